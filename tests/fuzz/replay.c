/* Runs a fuzz target over the files of a directory, as a plain test: what was found once stays found. */
#include "tap.h"

#include <limits.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST 200 // bytes of an input that are tried

static const uint8_t odd[] = { 0, 0xff, 0x80, 0xe2, '(', ')', '"', '!' };

static void replay(const char *directory, const char *name)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", directory, name);
	FILE *file = fopen(path, "re");
	if (!tap_ok(file != NULL, "%s can be read", name))
		return;
	static uint8_t bytes[1 << 21];
	size_t size = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	LLVMFuzzerTestOneInput(bytes, size);
	for (size_t place = 0; place < size && place < MOST; place++) {
		LLVMFuzzerTestOneInput(bytes, place);
		for (size_t i = 0; i < sizeof odd; i++) {
			uint8_t kept = bytes[place];
			bytes[place] = odd[i];
			LLVMFuzzerTestOneInput(bytes, size);
			bytes[place] = kept;
		}
	}
	tap_ok(true, "%s, whole, cut at each place, and with each byte an odd one", name);
}

int main(int argc, char **argv)
{
	DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;
	if (!directory)
		return tap_skip_all("give a directory of inputs");
	for (const struct dirent *entry; (entry = readdir(directory));)
		if (entry->d_name[0] != '.')
			replay(argv[1], entry->d_name);
	closedir(directory);
	return tap_done();
}
