#include "record/stack_image.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#ifndef AT_EXECFN
#define AT_EXECFN 31
#endif

/* The n-th word of the stack; false when it is not in the copy. */
static bool word_at(const struct stack_image *image, size_t n, uint64_t *ret_word)
{
	size_t size = image->compat ? sizeof(uint32_t) : sizeof(uint64_t);
	if (n >= image->count / size)
		return false;
	if (image->compat) {
		uint32_t word;
		memcpy(&word, image->bytes + n * size, sizeof word);
		*ret_word = word;
	} else {
		memcpy(ret_word, image->bytes + n * size, sizeof *ret_word);
	}
	return true;
}

static bool add_string(const struct stack_image *image, uint64_t address, struct text *text)
{
	if (address < image->address || address - image->address >= image->count)
		return false;
	size_t offset = (size_t)(address - image->address);
	const uint8_t *end = memchr(image->bytes + offset, '\0', image->count - offset);
	if (!end)
		return false;
	text_add_bytes(text, (const char *)image->bytes + offset, (size_t)(end - image->bytes) - offset);
	return true;
}

/* The pairs behind the environment's NULL. */
static void find_path(const struct stack_image *image, size_t n, struct text *path)
{
	uint64_t word, value;
	while (word_at(image, n, &word) && word != 0)
		n++;
	for (n++; word_at(image, n, &word) && word_at(image, n + 1, &value) && word != AT_NULL; n += 2)
		if (word == AT_EXECFN)
			add_string(image, value, path);
}

int stack_image_read(const struct stack_image *image, struct text *arguments, struct text *path)
{
	uint64_t argc, address;
	if (!word_at(image, 0, &argc))
		return -ENODATA;
	for (uint64_t i = 0; i < argc; i++) {
		if (!word_at(image, 1 + i, &address) || !add_string(image, address, arguments))
			return -ENODATA;
		text_add_char(arguments, '\0');
	}
	find_path(image, (size_t)argc + 2, path);
	return text_failed(arguments) || text_failed(path) ? -ENOMEM : 0;
}
