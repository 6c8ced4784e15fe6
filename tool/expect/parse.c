/*
 * The grammar, a function a rule:
 *
 *     expression = and { "||" and }
 *     and        = comparison { "&&" comparison }
 *     comparison = union [ operator union | "in" "(" union { "," union } ")" ]
 *     operator   = "==" | "!=" | "<" | "<=" | ">" | ">=" | "=~" | "!~" | "has"
 *     union      = sum { "|" sum }
 *     sum        = product { ( "+" | "-" ) product }
 *     product    = unary { ( "*" | "/" | "%" ) unary }
 *     unary      = { "!" | "-" } primary
 *     primary    = number [ unit ] | string | "(" expression ")" | name, see parse_name.c
 */
#include "expect/parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node *parse_fail(struct parser *parser, size_t offset, const char *format, ...)
{
	if (parser->status < 0)
		return NULL;
	parser->status = -EINVAL;
	parser->error->offset = offset;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(parser->error->message, sizeof parser->error->message, format, arguments);
	va_end(arguments);
	for (char *c = parser->error->message; *c; c++)
		if ((unsigned char)*c < ' ' || *c == '\x7f')
			*c = '?';
	return NULL;
}

struct node *parse_expected(struct parser *parser, const char *what)
{
	struct token token = parser->token;
	int length = token.end - token.begin < 40 ? (int)(token.end - token.begin) : 40;
	if (token.kind == TOKEN_END)
		return parse_fail(parser, token.begin, "expected %s, found the end of the expression", what);
	return parse_fail(parser, token.begin, "expected %s, found '%.*s'", what, length,
		parser->expectation->source + token.begin);
}

void parse_advance(struct parser *parser)
{
	if (parser->status < 0)
		return;
	parser->token = lex_next(&parser->lexer);
	if (parser->token.kind == TOKEN_BAD)
		parse_fail(parser, parser->token.begin, "%s", parser->lexer.message);
}

bool parse_accept(struct parser *parser, enum token_kind kind)
{
	if (parser->status < 0 || parser->token.kind != kind)
		return false;
	parse_advance(parser);
	return true;
}

bool parse_at_word(const struct parser *parser, const char *word)
{
	size_t length = parser->token.end - parser->token.begin;
	return parser->status == 0 && parser->token.kind == TOKEN_WORD && strlen(word) == length &&
	       memcmp(parser->expectation->source + parser->token.begin, word, length) == 0;
}

const char *parse_copy(struct parser *parser, struct token token)
{
	size_t length = token.end - token.begin;
	char *copy = tree_alloc(parser->expectation, length + 1);
	if (!copy) {
		parser->status = -ENOMEM;
		return NULL;
	}
	memcpy(copy, parser->expectation->source + token.begin, length);
	return copy;
}

struct node *parse_node(
	struct parser *parser, enum node_kind kind, enum value_type type, size_t begin, size_t end)
{
	if (parser->status < 0)
		return NULL;
	struct node *node = tree_alloc(parser->expectation, sizeof *node);
	if (!node) {
		parser->status = -ENOMEM;
		return NULL;
	}
	node->kind = kind;
	node->type = type;
	node->begin = begin;
	node->end = end;
	node->height = 1;
	return node;
}

static struct node *parse_parentheses(struct parser *parser)
{
	size_t begin = parser->token.begin;
	parse_advance(parser);
	struct node *node = parse_expression(parser);
	size_t end = parser->token.end;
	if (!parse_accept(parser, TOKEN_CLOSE))
		return parse_expected(parser, "an operator or ')'");
	if (node->kind == NODE_TERM || node->kind == NODE_COUNT || node->kind == NODE_QUANTIFIER)
		return node; // shown by its own name
	node->begin = begin;
	node->end = end;
	return node;
}

static struct node *parse_primary(struct parser *parser)
{
	switch (parser->token.kind) {
	case TOKEN_NUMBER:
		return parse_number(parser);
	case TOKEN_STRING:
		return parse_string(parser);
	case TOKEN_WORD:
		return parse_name(parser);
	case TOKEN_OPEN:
		return parse_parentheses(parser);
	default:
		return parse_expected(parser, "a name, a number, a string or '('");
	}
}

static struct node *parse_unary(struct parser *parser)
{
	if (parser->status < 0)
		return NULL;
	if (++parser->depth > EXPECT_DEPTH_MAX)
		return parse_fail(
			parser, parser->token.begin, "nested deeper than %d levels", EXPECT_DEPTH_MAX);
	size_t begin = parser->token.begin;
	struct node *node;
	if (parse_accept(parser, TOKEN_NOT))
		node = make_not(parser, begin, parse_unary(parser));
	else if (parse_accept(parser, TOKEN_MINUS))
		node = make_negate(parser, begin, parse_unary(parser));
	else
		node = parse_primary(parser);
	parser->depth--;
	return node;
}

static struct node *parse_product(struct parser *parser)
{
	struct node *node = parse_unary(parser);
	for (;;) {
		if (parse_accept(parser, TOKEN_STAR))
			node = make_binary(parser, OPERATION_MULTIPLY, node, parse_unary(parser));
		else if (parse_accept(parser, TOKEN_SLASH))
			node = make_binary(parser, OPERATION_DIVIDE, node, parse_unary(parser));
		else if (parse_accept(parser, TOKEN_PERCENT))
			node = make_binary(parser, OPERATION_REMAINDER, node, parse_unary(parser));
		else
			return node;
	}
}

static struct node *parse_sum(struct parser *parser)
{
	struct node *node = parse_product(parser);
	for (;;) {
		if (parse_accept(parser, TOKEN_PLUS))
			node = make_binary(parser, OPERATION_ADD, node, parse_product(parser));
		else if (parse_accept(parser, TOKEN_MINUS))
			node = make_binary(parser, OPERATION_SUBTRACT, node, parse_product(parser));
		else
			return node;
	}
}

static struct node *parse_union(struct parser *parser)
{
	struct node *node = parse_sum(parser);
	while (parse_accept(parser, TOKEN_BAR))
		node = make_binary(parser, OPERATION_UNITE, node, parse_sum(parser));
	return node;
}

static struct node *parse_list(struct parser *parser, struct node *left)
{
	if (!parse_accept(parser, TOKEN_OPEN))
		return parse_expected(parser, "'(' and the values, as in exit in (0, 77)");
	struct node *first = NULL, **link = &first;
	do {
		struct node *item = parse_union(parser);
		if (!item)
			return NULL;
		*link = item;
		link = &item->next;
	} while (parse_accept(parser, TOKEN_COMMA));
	size_t end = parser->token.end;
	if (!parse_accept(parser, TOKEN_CLOSE))
		return parse_expected(parser, "',' or ')'");
	struct node *node = make_in(parser, left, first);
	if (node)
		node->end = end;
	return node;
}

/* Returns false if the next token compares nothing. */
static bool comparison_operation(const struct parser *parser, enum operation *ret)
{
	static const struct {
		enum token_kind kind;
		enum operation operation;
	} operations[] = {
		{ TOKEN_EQUAL, OPERATION_EQUAL },
		{ TOKEN_NOT_EQUAL, OPERATION_NOT_EQUAL },
		{ TOKEN_LESS, OPERATION_LESS },
		{ TOKEN_LESS_EQUAL, OPERATION_LESS_EQUAL },
		{ TOKEN_GREATER, OPERATION_GREATER },
		{ TOKEN_GREATER_EQUAL, OPERATION_GREATER_EQUAL },
		{ TOKEN_MATCH, OPERATION_MATCH },
		{ TOKEN_NO_MATCH, OPERATION_NO_MATCH },
	};
	*ret = OPERATION_HAS;
	if (parse_at_word(parser, "has"))
		return true;
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
		if (operations[i].kind != parser->token.kind)
			continue;
		*ret = operations[i].operation;
		return parser->status == 0;
	}
	return false;
}

static struct node *parse_comparison(struct parser *parser)
{
	struct node *node = parse_union(parser);
	enum operation operation;
	if (parse_at_word(parser, "in")) {
		parse_advance(parser);
		node = parse_list(parser, node);
	} else if (comparison_operation(parser, &operation)) {
		parse_advance(parser);
		node = make_binary(parser, operation, node, parse_union(parser));
	}
	if (parse_at_word(parser, "in") || comparison_operation(parser, &operation))
		return parse_fail(parser, parser->token.begin,
			"comparisons do not chain: join two with '&&', as in 1 < threads && threads < 9");
	return node;
}

static struct node *parse_and(struct parser *parser)
{
	struct node *node = parse_comparison(parser);
	while (parse_accept(parser, TOKEN_AND))
		node = make_binary(parser, OPERATION_AND, node, parse_comparison(parser));
	return node;
}

struct node *parse_expression(struct parser *parser)
{
	struct node *node = parse_and(parser);
	while (parse_accept(parser, TOKEN_OR))
		node = make_binary(parser, OPERATION_OR, node, parse_and(parser));
	return node;
}

static struct node *parse_whole(struct parser *parser)
{
	const char *zero = memchr(parser->lexer.source, '\0', parser->lexer.length);
	if (zero)
		return parse_fail(parser, (size_t)(zero - parser->lexer.source),
			"a byte of value 0 is no part of the language");
	if (parser->lexer.length > EXPECT_LENGTH_MAX)
		return parse_fail(parser, EXPECT_LENGTH_MAX,
			"the expression is %zu bytes long; %d is the most", parser->lexer.length,
			EXPECT_LENGTH_MAX);
	parse_advance(parser);
	if (parser->token.kind == TOKEN_END)
		return parse_fail(parser, 0, "the expression is empty; write one as in 'processes == 1'");
	struct node *node = parse_expression(parser);
	if (parser->status == 0 && parser->token.kind != TOKEN_END)
		return parse_expected(parser, "an operator or the end");
	return check_bool(parser, node, "an expectation") ? node : NULL;
}

int expectation_parse(struct expectation **ret, const char *source, size_t length, struct expect_error *error)
{
	struct expectation *expectation = calloc(1, sizeof *expectation);
	if (!expectation)
		return -ENOMEM;
	expectation->source = malloc(length + 1);
	if (!expectation->source) {
		free(expectation);
		return -ENOMEM;
	}
	if (length)
		memcpy(expectation->source, source, length);
	expectation->source[length] = '\0';
	expectation->length = length;
	*error = (struct expect_error){ 0 };
	struct parser parser = {
		.expectation = expectation,
		.lexer = { .source = expectation->source, .length = length },
		.error = error,
	};
	expectation->root = parse_whole(&parser);
	if (parser.status < 0) {
		expectation_destroy(expectation);
		return parser.status;
	}
	*ret = expectation;
	return 0;
}
