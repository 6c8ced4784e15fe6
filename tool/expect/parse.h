/**
 * parse.h: what the files of the parser share. parse.c has the grammar, parse_name.c what a name or a selection can
 * be, literal.c numbers, strings and constants, types.c what operators accept.
 *
 * Each function that makes a node returns NULL once anything has failed, and accepts NULL operands then: callers need
 * not check between steps.
 */
#ifndef KIN_TOOL_EXPECT_PARSE_H
#define KIN_TOOL_EXPECT_PARSE_H

#include "expect/lex.h"
#include "expect/node.h"

struct parser {
	struct expectation *expectation;
	struct lexer lexer;
	struct token token; // the next one
	struct expect_error *error;
	int status; // 0, -EINVAL or -ENOMEM: the first failure
	unsigned depth; // of the recursion
	struct node *quantifier; // the one whose body is parsed, or NULL
	struct token domain_name; // the name that settled what it ranges over
};

/** Record the first error, at an offset of the source. Returns NULL. */
struct node *parse_fail(struct parser *parser, size_t offset, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** The same with "expected WHAT, found ..." at the next token. */
struct node *parse_expected(struct parser *parser, const char *what);

/** Step over the next token. */
void parse_advance(struct parser *parser);

/** If the next token is of that kind, step over it. */
bool parse_accept(struct parser *parser, enum token_kind kind);

/** Whether the next token is that word. */
bool parse_at_word(const struct parser *parser, const char *word);

/** A NUL-terminated copy of a token, in the expectation's memory; NULL after -ENOMEM. */
const char *parse_copy(struct parser *parser, struct token token);

struct node *parse_node(
	struct parser *parser, enum node_kind kind, enum value_type type, size_t begin, size_t end);

/** parse.c: a whole expression, as between parentheses. */
struct node *parse_expression(struct parser *parser);

/** parse_name.c: at a word. */
struct node *parse_name(struct parser *parser);

/** literal.c: at a number or a string; the word is a constant or *is_constant is false. */
struct node *parse_number(struct parser *parser);
struct node *parse_string(struct parser *parser);
struct node *parse_constant(struct parser *parser, struct token token, const char *word, bool *is_constant);

/** types.c: check the operands and make the node. */
struct node *make_not(struct parser *parser, size_t begin, struct node *operand);
struct node *make_negate(struct parser *parser, size_t begin, struct node *operand);
struct node *make_binary(
	struct parser *parser, enum operation operation, struct node *left, struct node *right);
struct node *make_in(struct parser *parser, struct node *left, struct node *list);

/** types.c: fail unless the operand is a yes or no; user says what needs one. */
bool check_bool(struct parser *parser, const struct node *operand, const char *user);

#endif
