#include "expect/lex.h"

#include <string.h>

static int at(const struct lexer *lexer, size_t offset)
{
	return offset < lexer->length ? (unsigned char)lexer->source[offset] : '\0';
}

/* Not <ctype.h>: the language does not change with the locale. */
static int is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static int is_space(int c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_word(const struct lexer *lexer, size_t offset)
{
	while (is_letter(at(lexer, offset)) || is_digit(at(lexer, offset)))
		offset++;
	return offset;
}

static size_t skip_dotted(const struct lexer *lexer, size_t offset)
{
	offset = skip_word(lexer, offset);
	while (at(lexer, offset) == '.' && is_letter(at(lexer, offset + 1)))
		offset = skip_word(lexer, offset + 1);
	return offset;
}

static size_t skip_number(const struct lexer *lexer, size_t offset)
{
	while (is_digit(at(lexer, offset)))
		offset++;
	if (at(lexer, offset) == '.' && is_digit(at(lexer, offset + 1)))
		for (offset++; is_digit(at(lexer, offset)); offset++)
			;
	return skip_word(lexer, offset);
}

/* Returns the offset past the closing quote, or 0 if there is none. In '...' nothing is special, as in a shell. */
static size_t skip_string(const struct lexer *lexer, size_t offset)
{
	int quote = at(lexer, offset++);
	for (; offset < lexer->length; offset++) {
		int c = at(lexer, offset);
		if (c == quote)
			return offset + 1;
		if (c == '\0')
			return 0;
		if (c == '\\' && quote == '"')
			offset++;
	}
	return 0;
}

static const struct {
	const char *spelling;
	enum token_kind kind;
} symbols[] = {
	// the longer first
	{ "||", TOKEN_OR },
	{ "&&", TOKEN_AND },
	{ "==", TOKEN_EQUAL },
	{ "!=", TOKEN_NOT_EQUAL },
	{ "<=", TOKEN_LESS_EQUAL },
	{ ">=", TOKEN_GREATER_EQUAL },
	{ "=~", TOKEN_MATCH },
	{ "!~", TOKEN_NO_MATCH },
	{ "<", TOKEN_LESS },
	{ ">", TOKEN_GREATER },
	{ "!", TOKEN_NOT },
	{ "(", TOKEN_OPEN },
	{ ")", TOKEN_CLOSE },
	{ ",", TOKEN_COMMA },
	{ ".", TOKEN_DOT },
	{ "|", TOKEN_BAR },
	{ "+", TOKEN_PLUS },
	{ "-", TOKEN_MINUS },
	{ "*", TOKEN_STAR },
	{ "/", TOKEN_SLASH },
	{ "%", TOKEN_PERCENT },
};

static struct token bad(struct lexer *lexer, const char *message)
{
	lexer->message = message;
	return (struct token){ TOKEN_BAD, lexer->offset, lexer->offset };
}

static struct token lex_symbol(struct lexer *lexer)
{
	size_t rest = lexer->length - lexer->offset;
	for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
		size_t length = strlen(symbols[i].spelling);
		if (length > rest || memcmp(lexer->source + lexer->offset, symbols[i].spelling, length) != 0)
			continue;
		struct token token = { symbols[i].kind, lexer->offset, lexer->offset + length };
		lexer->offset += length;
		return token;
	}
	switch (at(lexer, lexer->offset)) {
	case '=':
		return bad(lexer, "'=' is no operator: '==' compares, '=~' matches a pattern");
	case '&':
		return bad(lexer, "'&' is no operator: '&&' is 'and', 'has' asks for flags");
	default:
		return bad(lexer, "this character is no part of the language");
	}
}

struct token lex_next(struct lexer *lexer)
{
	while (lexer->offset < lexer->length && is_space(at(lexer, lexer->offset)))
		lexer->offset++;
	struct token token = { .begin = lexer->offset };
	int c = at(lexer, lexer->offset);
	if (lexer->offset == lexer->length) {
		token.kind = TOKEN_END;
		token.end = lexer->offset;
	} else if (is_letter(c)) {
		token.kind = TOKEN_WORD;
		token.end = skip_dotted(lexer, lexer->offset);
	} else if (is_digit(c)) {
		token.kind = TOKEN_NUMBER;
		token.end = skip_number(lexer, lexer->offset);
	} else if (c == '"' || c == '\'') {
		token.kind = TOKEN_STRING;
		token.end = skip_string(lexer, lexer->offset);
		if (token.end == 0)
			return bad(lexer, "this quote is never closed");
	} else {
		return lex_symbol(lexer);
	}
	lexer->offset = token.end;
	return token;
}

/* In "..." a backslash protects a quote or a backslash; before anything else it stays, for patterns. */
size_t lex_unquote(const struct lexer *lexer, struct token token, char *ret)
{
	const char *string = lexer->source + token.begin + 1;
	size_t length = token.end - token.begin - 2, written = 0;
	int escapes = lexer->source[token.begin] == '"';
	for (size_t i = 0; i < length; i++) {
		if (escapes && string[i] == '\\' && i + 1 < length &&
			(string[i + 1] == '"' || string[i + 1] == '\\'))
			i++;
		ret[written++] = string[i];
	}
	return written;
}
