/* Globs, matched in time at most pattern times string: fnmatch(3) asks the locale and can take exponential time. */
#include "expect/value.h"

/* The character there, and a step over it. A byte that is no UTF-8 is a character of its own. */
static uint32_t take_character(const char **string)
{
	uint32_t character;
	size_t length = text_utf8_next(*string, &character);
	if (length == 0) {
		character = 0x110000 + (unsigned char)**string;
		length = 1;
	}
	*string += length;
	return character;
}

static uint32_t take_escaped(const char **pattern)
{
	if (**pattern == '\\' && (*pattern)[1])
		++*pattern;
	return take_character(pattern);
}

/* After '[': whether c is in the set; *ret points past ']'. Returns false, *ret NULL, when there is no ']'. */
static bool in_set(const char *set, uint32_t c, const char **ret)
{
	bool negated = *set == '!' || *set == '^', found = false, first = true;
	if (negated)
		set++;
	for (; *set && (*set != ']' || first); first = false) {
		uint32_t low = take_escaped(&set), high = low;
		if (*set == '-' && set[1] && set[1] != ']') {
			set++;
			high = take_escaped(&set);
		}
		if (low <= c && c <= high)
			found = true;
	}
	*ret = *set == ']' ? set + 1 : NULL;
	return *ret && found != negated;
}

/* Matches one element of the pattern that is no star, against a string that is not empty. Moves both on. */
static bool match_one(const char **pattern, const char **string)
{
	uint32_t c = take_character(string);
	if (**pattern == '?') {
		++*pattern;
		return true;
	}
	if (**pattern == '[') {
		const char *end;
		bool found = in_set(*pattern + 1, c, &end);
		if (end) {
			*pattern = end;
			return found;
		}
	}
	return take_escaped(pattern) == c;
}

bool glob_match(const char *pattern, const char *string)
{
	const char *star = NULL, *retry = NULL;
	while (*string) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = string;
			continue;
		}
		if (*pattern && match_one(&pattern, &string))
			continue;
		if (!star)
			return false;
		take_character(&retry);
		pattern = star;
		string = retry;
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
