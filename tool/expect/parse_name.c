/*
 * What a word can be:
 *
 *     name       = constant | term | quantifier | selection "." ( term | "count" | quantifier )
 *     quantifier = ( "any" | "all" | "none" | "count" ) "(" expression ")"
 *     selection  = ( "task" | "process" | "exec" ) "(" string ")"
 */
#include "expect/parse.h"

#include <errno.h>
#include <string.h>

static const char *const quantifier_names[] = { "any", "all", "none", "count" };
static const char *const selector_names[] = { NULL, "task", "process", "exec" };

static bool find_quantifier(const char *word, enum quantifier *ret)
{
	for (int i = QUANTIFIER_ANY; i <= QUANTIFIER_COUNT; i++) {
		if (strcmp(quantifier_names[i], word) != 0)
			continue;
		*ret = (enum quantifier)i;
		return true;
	}
	return false;
}

static bool find_selector(const char *word, enum selector *ret)
{
	for (int i = SELECT_TASK; i <= SELECT_EXEC; i++) {
		if (strcmp(selector_names[i], word) != 0)
			continue;
		*ret = (enum selector)i;
		return true;
	}
	return false;
}

static const struct {
	unsigned scope;
	enum domain domain;
	const char *things;
} domains[] = {
	{ SCOPE_EXEC, DOMAIN_EXECS, "programs run" },
	{ SCOPE_FAILED, DOMAIN_FAILED, "failed calls" },
	{ SCOPE_RECEIVED, DOMAIN_RECEIVED, "signals" },
};

/* The names in a quantifier settle what it ranges over. */
static struct node *settle_domain(struct parser *parser, struct token token, const struct term *term)
{
	struct node *quantifier = parser->quantifier;
	if (term->scopes & SCOPE_CLONE)
		quantifier->made_only = true;
	for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) {
		if (!(term->scopes & domains[i].scope) || quantifier->domain == domains[i].domain)
			continue;
		if (quantifier->domain != DOMAIN_TASKS)
			return parse_fail(parser, token.begin,
				"'%s' speaks of %s, but '%.*s' made this quantifier range over %s",
				term->name, domains[i].things,
				(int)(parser->domain_name.end - parser->domain_name.begin),
				parser->expectation->source + parser->domain_name.begin,
				domains[quantifier->domain - 1].things);
		quantifier->domain = domains[i].domain;
		parser->domain_name = token;
	}
	return quantifier;
}

static struct node *fail_unknown(struct parser *parser, struct token token, const char *word, unsigned scopes)
{
	const char *closest = term_closest(word, scopes);
	if (!closest)
		closest = term_closest(word, SCOPE_SET | SCOPE_ONE);
	if (closest)
		return parse_fail(
			parser, token.begin, "there is no name '%.40s'; did you mean '%s'?", word, closest);
	return parse_fail(
		parser, token.begin, "there is no name '%.40s'; 'kin expect --list-names' has all", word);
}

/* The word is no name here. Says so, and where it is one. */
static struct node *fail_name(struct parser *parser, struct token token, const char *word, unsigned scopes)
{
	if (!term_find(word, SCOPE_SET | SCOPE_ONE))
		return fail_unknown(parser, token, word, scopes);
	if (parser->quantifier)
		return parse_fail(parser, token.begin,
			"'%s' is of several tasks together: it cannot stand inside any(), all(), none() or "
			"count()",
			word);
	const char *closest = term_closest(word, scopes);
	return parse_fail(parser, token.begin,
		"'%s' is of one task: ask %sany(...), all(...), none(...) or count(...) with it%s%s%s", word,
		scopes & SCOPE_WHOLE ? "" : "SELECTION.", closest ? "; or did you mean '" : "",
		closest ? closest : "", closest ? "'?" : "");
}

static struct node *make_term(struct parser *parser, struct token token, const char *word,
	const struct selection *selection, size_t begin)
{
	unsigned scopes = parser->quantifier                  ? SCOPE_ONE
			  : selection->selector == SELECT_ALL ? SCOPE_WHOLE
							      : SCOPE_SELECTION;
	const struct term *term = term_find(word, scopes);
	if (!term)
		return fail_name(parser, token, word, scopes);
	if (parser->quantifier && !settle_domain(parser, token, term))
		return NULL;
	struct node *node = parse_node(parser, NODE_TERM, term->type, begin, token.end);
	if (!node)
		return NULL;
	node->term = term;
	node->selection = *selection;
	parser->expectation->needs |= term->needs;
	return node;
}

static struct node *parse_quantifier(
	struct parser *parser, enum quantifier quantifier, const struct selection *selection, size_t begin)
{
	if (parser->quantifier)
		return parse_fail(parser, begin, "a quantifier cannot stand inside another");
	const char *name = quantifier_names[quantifier];
	struct node *node = parse_node(parser, NODE_QUANTIFIER,
		quantifier == QUANTIFIER_COUNT ? TYPE_NUMBER : TYPE_BOOL, begin, begin);
	if (!parse_accept(parser, TOKEN_OPEN))
		return parse_expected(parser, "'(' and a condition, as in any(exit != 0)");
	if (!node)
		return NULL;
	node->quantifier = quantifier;
	node->selection = *selection;
	parser->quantifier = node;
	node->left = parse_expression(parser);
	parser->quantifier = NULL;
	node->end = parser->token.end;
	if (!parse_accept(parser, TOKEN_CLOSE))
		return parse_expected(parser, "an operator or ')'");
	if (!check_bool(parser, node->left, name))
		return NULL;
	node->height = node->left->height + 1;
	return node;
}

static struct node *parse_selected(struct parser *parser, const struct selection *selection, size_t begin)
{
	struct token token = parser->token;
	if (token.kind != TOKEN_WORD)
		return parse_expected(parser, "a name, as in task(\"worker*\").count");
	const char *word = parse_copy(parser, token);
	if (!word)
		return NULL;
	parse_advance(parser);
	enum quantifier quantifier;
	bool counts = strcmp(word, "count") == 0 && parser->token.kind != TOKEN_OPEN;
	if (!counts && find_quantifier(word, &quantifier))
		return parse_quantifier(parser, quantifier, selection, begin);
	if (!counts)
		return make_term(parser, token, word, selection, begin);
	struct node *node = parse_node(parser, NODE_COUNT, TYPE_NUMBER, begin, token.end);
	if (node)
		node->selection = *selection;
	return node;
}

static struct node *parse_selection(struct parser *parser, enum selector selector, size_t begin)
{
	const char *name = selector_names[selector];
	if (parser->quantifier)
		return parse_fail(parser, begin,
			"'%s(...)' cannot stand inside a quantifier: write %s(...).any(...) and the like",
			name, name);
	parse_advance(parser);
	if (parser->token.kind != TOKEN_STRING)
		return parse_expected(parser, "a pattern in quotes");
	struct node *pattern = parse_string(parser);
	if (!parse_accept(parser, TOKEN_CLOSE))
		return parse_expected(parser, "')'");
	if (!parse_accept(parser, TOKEN_DOT))
		return parse_expected(parser, "'.' and a name, as in task(\"worker*\").count");
	if (!pattern)
		return NULL;
	if (*pattern->literal->string == '\0')
		return parse_fail(
			parser, pattern->begin, "an empty pattern matches nothing; \"*\" matches all");
	struct selection selection = { selector, pattern->literal->string };
	return parse_selected(parser, &selection, begin);
}

struct node *parse_name(struct parser *parser)
{
	static const struct selection all = { SELECT_ALL, NULL };
	struct token token = parser->token;
	const char *word = parse_copy(parser, token);
	if (!word)
		return NULL;
	parse_advance(parser);
	bool is_constant, call = parser->token.kind == TOKEN_OPEN;
	enum quantifier quantifier;
	enum selector selector;
	if (find_quantifier(word, &quantifier))
		return parse_quantifier(parser, quantifier, &all, token.begin);
	if (call && find_selector(word, &selector))
		return parse_selection(parser, selector, token.begin);
	if (find_selector(word, &selector))
		return parse_expected(parser, "'(' and a pattern in quotes");
	struct node *node = parse_constant(parser, token, word, &is_constant);
	if (is_constant || node)
		return node;
	if (call)
		return parse_fail(parser, token.begin,
			"'%.40s' is no function: there are any, all, none, count, task, process and exec",
			word);
	return make_term(parser, token, word, &all, token.begin);
}
