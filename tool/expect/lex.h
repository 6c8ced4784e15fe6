/**
 * lex.h: an expression as tokens.
 */
#ifndef KIN_TOOL_EXPECT_LEX_H
#define KIN_TOOL_EXPECT_LEX_H

#include <stddef.h>

enum token_kind {
	TOKEN_END,
	TOKEN_BAD, // no token begins here: lexer.message says why
	TOKEN_NUMBER, // with its unit, if it has one
	TOKEN_STRING, // with its quotes
	TOKEN_WORD, // letters, digits and _, and further such words joined with '.'
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_COMMA,
	TOKEN_DOT,
	TOKEN_NOT,
	TOKEN_OR,
	TOKEN_AND,
	TOKEN_EQUAL,
	TOKEN_NOT_EQUAL,
	TOKEN_LESS,
	TOKEN_LESS_EQUAL,
	TOKEN_GREATER,
	TOKEN_GREATER_EQUAL,
	TOKEN_MATCH,
	TOKEN_NO_MATCH,
	TOKEN_BAR,
	TOKEN_PLUS,
	TOKEN_MINUS,
	TOKEN_STAR,
	TOKEN_SLASH,
	TOKEN_PERCENT,
};

struct token {
	enum token_kind kind;
	size_t begin, end; // bytes of the source, end excluded
};

/** Zero but for source and length: at the start. */
struct lexer {
	const char *source; // need not end in NUL
	size_t length, offset;
	const char *message; // after TOKEN_BAD
};

/** Take the next token. At the end, and after a bad token, the same again. */
struct token lex_next(struct lexer *lexer);

/** What a string token says, without quotes and escapes, into room for its length. Returns the bytes, without NUL. */
size_t lex_unquote(const struct lexer *lexer, struct token token, char *ret);

#endif
