/* Numbers with units, strings, and the constants CLONE_VM, SIGKILL, ENOENT, true and false. */
#include "expect/parse.h"

#include "model/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct node *make_literal(struct parser *parser, enum value_type type, size_t begin, size_t end)
{
	struct node *node = parse_node(parser, NODE_LITERAL, type, begin, end);
	if (!node)
		return NULL;
	node->literal = tree_alloc(parser->expectation, sizeof *node->literal);
	if (!node->literal) {
		parser->status = -ENOMEM;
		return NULL;
	}
	value_set_count(node->literal, type, 0);
	return node;
}

/* "12.5" as 125 / 10. Returns the bytes read, 0 when it does not fit. */
static size_t read_decimal(const char *digits, size_t length, struct fraction *ret)
{
	int64_t above = 0, below = 1;
	bool decimals = false;
	size_t i = 0;
	for (; i < length && ((digits[i] >= '0' && digits[i] <= '9') || digits[i] == '.'); i++) {
		if (digits[i] == '.') {
			decimals = true;
			continue;
		}
		if (__builtin_mul_overflow(above, 10, &above) ||
			__builtin_add_overflow(above, digits[i] - '0', &above) ||
			(decimals && __builtin_mul_overflow(below, 10, &below)))
			return 0;
	}
	return fraction_make(ret, above, below) < 0 ? 0 : i;
}

static size_t read_hexadecimal(const char *digits, size_t length, struct fraction *ret)
{
	int64_t above = 0;
	size_t i = 2;
	for (; i < length; i++) {
		char c = digits[i] | 0x20;
		int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
		if (digit < 0)
			break;
		if (above > INT64_MAX >> 4)
			return 0;
		above = above << 4 | digit;
	}
	*ret = fraction_of(above);
	return i;
}

static struct node *apply_unit(
	struct parser *parser, struct token token, size_t digits, struct fraction number)
{
	const char *unit = parser->expectation->source + token.begin + digits;
	size_t length = token.end - token.begin - digits;
	enum value_type type = TYPE_NUMBER;
	int64_t worth = 1;
	if (length && !unit_find(unit, length, &type, &worth))
		return parse_fail(parser, token.begin + digits,
			"'%.*s' is no unit: there are ns, us, ms, s, min, h and B, KiB, MiB, GiB, kB, MB, GB",
			length < 40 ? (int)length : 40, unit);
	struct range exact = { number, number, false, false };
	struct range scale = { fraction_of(worth), fraction_of(worth), false, false };
	struct node *node = make_literal(parser, type, token.begin, token.end);
	if (node && range_calculate(&node->literal->range, '*', &exact, &scale) < 0)
		return parse_fail(parser, token.begin, "the number is too large");
	return node;
}

struct node *parse_number(struct parser *parser)
{
	struct token token = parser->token;
	const char *digits = parser->expectation->source + token.begin;
	size_t length = token.end - token.begin;
	bool hexadecimal = length > 2 && digits[0] == '0' && digits[1] == 'x';
	struct fraction number;
	size_t read = hexadecimal ? read_hexadecimal(digits, length, &number)
				  : read_decimal(digits, length, &number);
	if (read == 0)
		return parse_fail(parser, token.begin, "the number is too large");
	parse_advance(parser);
	return apply_unit(parser, token, read, number);
}

struct node *parse_string(struct parser *parser)
{
	struct token token = parser->token;
	char *string = tree_alloc(parser->expectation, token.end - token.begin);
	struct node *node = make_literal(parser, TYPE_STRING, token.begin, token.end);
	if (!string || !node) {
		parser->status = parser->status ? parser->status : -ENOMEM;
		return NULL;
	}
	lex_unquote(&parser->lexer, token, string);
	value_set_string(node->literal, string);
	parse_advance(parser);
	return node;
}

static struct node *make_flag(struct parser *parser, struct token token, const char *word)
{
	uint64_t bit = clone_flag_by_name(word), value;
	const char *name, *closest = NULL;
	unsigned best = 5;
	for (unsigned i = 0; !bit && clone_flag_at(i, &name, &value); i++) {
		unsigned distance = word_distance(word, name, best);
		closest = distance < best ? name : closest;
		best = distance < best ? distance : best;
	}
	if (!bit)
		return parse_fail(parser, token.begin, "there is no flag %.40s%s%s", word,
			closest ? "; did you mean " : "", closest ? closest : "");
	struct node *node = make_literal(parser, TYPE_FLAGS, token.begin, token.end);
	if (!node)
		return NULL;
	node->literal->known = true;
	node->literal->flags = bit;
	return node;
}

/* SIGKILL, and SIGRTMIN+3 or SIGRTMAX-1, which are several tokens. */
static struct node *make_signal(struct parser *parser, struct token token, const char *word)
{
	int number = signal_by_name(word);
	bool from_first = strcmp(word, "SIGRTMIN") == 0, from_last = strcmp(word, "SIGRTMAX") == 0;
	enum token_kind sign = from_first ? TOKEN_PLUS : TOKEN_MINUS;
	if ((from_first || from_last) && parse_accept(parser, sign)) {
		if (parser->token.kind != TOKEN_NUMBER)
			return parse_expected(parser, "a number, as in SIGRTMIN+3");
		token.end = parser->token.end;
		const char *distance = parse_copy(parser, parser->token);
		char name[40];
		snprintf(name, sizeof name, "%s%c%s", word, from_first ? '+' : '-', distance ? distance : "");
		number = signal_by_name(name);
		parse_advance(parser);
	}
	if (!number)
		return parse_fail(parser, token.begin, "there is no signal %.40s", word);
	struct node *node = make_literal(parser, TYPE_SIGNAL, token.begin, token.end);
	if (node)
		value_set_count(node->literal, TYPE_SIGNAL, (uint64_t)number);
	return node;
}

#define ERRNO_MAX 4095

static int error_by_name(const char *word)
{
	char buffer[24];
	for (int error = 1; error <= ERRNO_MAX; error++)
		if (strcmp(error_name(error, buffer), word) == 0)
			return error;
	return 0;
}

static bool is_capitals(const char *word)
{
	for (; *word; word++)
		if (!(*word >= 'A' && *word <= 'Z') && !(*word >= '0' && *word <= '9'))
			return false;
	return true;
}

static struct node *make_error(struct parser *parser, struct token token, const char *word)
{
	int error = error_by_name(word);
	if (!error)
		return parse_fail(parser, token.begin, "there is no error %.40s", word);
	struct node *node = make_literal(parser, TYPE_ERROR, token.begin, token.end);
	if (node)
		value_set_count(node->literal, TYPE_ERROR, (uint64_t)error);
	return node;
}

struct node *parse_constant(struct parser *parser, struct token token, const char *word, bool *is_constant)
{
	*is_constant = true;
	if (strncmp(word, "CLONE_", 6) == 0)
		return make_flag(parser, token, word);
	if (strncmp(word, "SIG", 3) == 0 && is_capitals(word))
		return make_signal(parser, token, word);
	if (word[0] == 'E' && word[1] && is_capitals(word))
		return make_error(parser, token, word);
	*is_constant = strcmp(word, "true") == 0 || strcmp(word, "false") == 0;
	if (!*is_constant)
		return NULL;
	struct node *node = make_literal(parser, TYPE_BOOL, token.begin, token.end);
	if (node)
		value_set_truth(node->literal, word[0] == 't');
	return node;
}
