/**
 * node.h: an expression as a tree, type-checked. All of it lives in the expectation's memory.
 */
#ifndef KIN_TOOL_EXPECT_NODE_H
#define KIN_TOOL_EXPECT_NODE_H

#include "expect/expect.h"
#include "expect/vocabulary.h"

enum node_kind {
	NODE_LITERAL,
	NODE_TERM, // a name, of the whole, of a selection or of the one task
	NODE_COUNT, // SELECTION.count
	NODE_QUANTIFIER, // any(...), all(...), none(...), count(...)
	NODE_NOT,
	NODE_NEGATE,
	NODE_BINARY,
	NODE_IN,
};

enum operation {
	OPERATION_OR,
	OPERATION_AND,
	OPERATION_EQUAL,
	OPERATION_NOT_EQUAL,
	OPERATION_LESS,
	OPERATION_LESS_EQUAL,
	OPERATION_GREATER,
	OPERATION_GREATER_EQUAL,
	OPERATION_MATCH,
	OPERATION_NO_MATCH,
	OPERATION_HAS,
	OPERATION_UNITE,
	OPERATION_ADD,
	OPERATION_SUBTRACT,
	OPERATION_MULTIPLY,
	OPERATION_DIVIDE,
	OPERATION_REMAINDER,
};

enum quantifier { QUANTIFIER_ANY, QUANTIFIER_ALL, QUANTIFIER_NONE, QUANTIFIER_COUNT };

enum selector { SELECT_ALL, SELECT_TASK, SELECT_PROCESS, SELECT_EXEC };

/** What a quantifier ranges over. */
enum domain { DOMAIN_TASKS, DOMAIN_EXECS, DOMAIN_FAILED, DOMAIN_RECEIVED };

struct selection {
	enum selector selector;
	const char *pattern; // NULL with SELECT_ALL
};

struct node {
	enum node_kind kind;
	enum value_type type;
	unsigned height;
	size_t begin, end; // its part of the source
	enum operation operation; // NODE_BINARY
	enum quantifier quantifier; // NODE_QUANTIFIER and its domain
	enum domain domain;
	bool made_only; // the quantifier skips tasks that no call made
	const struct term *term; // NODE_TERM
	struct selection selection; // NODE_TERM, NODE_COUNT, NODE_QUANTIFIER
	struct value *literal; // NODE_LITERAL
	struct node *left, *right; // operands; a quantifier's body and the list of `in` are left and right
	struct node *next; // in the list of `in`
};

struct chunk;

struct expectation {
	char *source;
	size_t length;
	struct node *root;
	unsigned needs;
	struct chunk *chunks; // the memory of the tree
	size_t room; // left in the first chunk
};

/** Zeroed memory that lives as long as the expectation, or NULL. */
void *tree_alloc(struct expectation *expectation, size_t size);

/** "==", "has", ... as written in an expression. */
const char *operation_name(enum operation operation);

#endif
