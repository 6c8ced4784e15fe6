/* The arguments of a program from a copy of its stack: whole, cut off, of 32 bits, nonsense. */
#include "tap.h"

#include "record/stack_image.h"

#include <elf.h>

#define BASE 0x7ffe10000000u

/* A stack as the kernel lays it out, with words of one size. */
struct made {
	uint8_t bytes[4096];
	size_t words, strings; // how far each part has grown
	bool compat;
};

static void add_word(struct made *made, uint64_t word)
{
	size_t size = made->compat ? 4 : 8;
	memcpy(made->bytes + made->words * size, &word, size); /* little end first, as all kin runs on */
	made->words++;
}

static uint64_t add_string(struct made *made, const char *string)
{
	size_t at = made->strings;
	memcpy(made->bytes + at, string, strlen(string) + 1);
	made->strings += strlen(string) + 1;
	return (made->compat ? 0xff800000u : BASE) + at;
}

static struct stack_image image_of(const struct made *made, size_t count)
{
	return (struct stack_image){ .bytes = made->bytes,
		.count = count,
		.address = made->compat ? 0xff800000u : BASE,
		.compat = made->compat };
}

static void make(struct made *made, bool compat)
{
	*made = (struct made){ .strings = 2048, .compat = compat };
	add_word(made, 3);
	add_word(made, add_string(made, "sh"));
	add_word(made, add_string(made, ""));
	add_word(made, add_string(made, "two words"));
	add_word(made, 0);
	add_word(made, add_string(made, "HOME=/"));
	add_word(made, add_string(made, "PATH=/bin"));
	add_word(made, 0);
	add_word(made, AT_PAGESZ);
	add_word(made, 4096);
	add_word(made, 31);
	add_word(made, add_string(made, "./script"));
	add_word(made, AT_NULL);
	add_word(made, 0);
}

static bool equals(const struct text *text, const char *bytes, size_t count)
{
	return text->length == count && memcmp(text_string(text), bytes, count) == 0;
}

static void test_whole(bool compat)
{
	struct made made;
	struct text arguments = { 0 }, path = { 0 };
	make(&made, compat);
	struct stack_image image = image_of(&made, made.strings);
	tap_is_int(stack_image_read(&image, &arguments, &path), 0, compat ? "a stack of 32 bits" : "a stack");
	tap_ok(equals(&arguments, "sh\0\0two words", 14), "has the arguments, also the empty one");
	tap_is_string(text_string(&path), "./script", "and the path as given");
	text_finish(&arguments);
	text_finish(&path);
}

static void test_cut(void)
{
	struct made made;
	make(&made, false);
	bool right = true, sane = true;
	for (size_t count = 0; count <= made.strings; count++) {
		uint8_t *exact = malloc(count ? count : 1); /* a sanitizer sees each byte read beyond it */
		struct text arguments = { 0 }, path = { 0 };
		if (!exact)
			abort();
		memcpy(exact, made.bytes, count);
		struct stack_image image = image_of(&made, count);
		image.bytes = exact;
		int result = stack_image_read(&image, &arguments, &path);
		sane &= result == 0 || result == -ENODATA;
		right &= (result == 0) == (count >= 2048 + 14);
		text_finish(&arguments);
		text_finish(&path);
		free(exact);
	}
	tap_ok(sane, "a stack cut off anywhere is read as far as it goes");
	tap_ok(right, "and is whole from its last argument's end on");
}

static void test_nonsense(void)
{
	struct made made = { .strings = 2048 };
	struct text arguments = { 0 }, path = { 0 };
	add_word(&made, UINT64_MAX);
	struct stack_image image = image_of(&made, sizeof made.bytes);
	tap_is_int(stack_image_read(&image, &arguments, &path), -ENODATA, "more arguments than there can be");
	text_clear(&arguments);
	memset(made.bytes, 0xff, sizeof made.bytes);
	tap_is_int(stack_image_read(&image, &arguments, &path), -ENODATA, "pointers to nowhere");
	text_clear(&arguments);
	memset(made.bytes, 0, sizeof made.bytes);
	tap_is_int(stack_image_read(&image, &arguments, &path), 0, "no arguments at all");
	tap_ok(arguments.length == 0 && path.length == 0, "are none");
	text_finish(&arguments);
	text_finish(&path);
}

int main(void)
{
	test_whole(false);
	test_whole(true);
	test_cut();
	test_nonsense();
	return tap_done();
}
