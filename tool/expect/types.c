/* What the operators accept. Types are known before anything runs, so a mistake is told at once and where it is. */
#include "expect/parse.h"

#include <signal.h>
#include <stdio.h>

/* The source of an operand, shortened, for messages. */
static const char *quote(const struct parser *parser, const struct node *node, char buffer[48])
{
	size_t length = node->end - node->begin;
	const char *source = parser->expectation->source + node->begin;
	snprintf(buffer, 48, "'%.*s%s'", length <= 36 ? (int)length : 33, source, length <= 36 ? "" : "...");
	return buffer;
}

bool check_bool(struct parser *parser, const struct node *operand, const char *user)
{
	char name[48];
	if (!operand || parser->status < 0)
		return false;
	if (operand->type == TYPE_BOOL)
		return true;
	bool countable = type_is_quantity(operand->type);
	parse_fail(parser, operand->begin, "%s needs a yes or no, and %s is %s%s", user,
		quote(parser, operand, name), type_name(operand->type),
		countable ? ": compare it, as in '... > 0'" : ": compare it with something");
	return false;
}

static struct node *make_operator(struct parser *parser, enum node_kind kind, enum value_type type,
	struct node *left, struct node *right, size_t begin, size_t end)
{
	struct node *node = parse_node(parser, kind, type, begin, end);
	if (!node)
		return NULL;
	node->left = left;
	node->right = right;
	node->height = left->height + 1;
	if (right && right->height >= node->height)
		node->height = right->height + 1;
	if (node->height > EXPECT_DEPTH_MAX)
		return parse_fail(parser, begin, "nested deeper than %d levels", EXPECT_DEPTH_MAX);
	return node;
}

struct node *make_not(struct parser *parser, size_t begin, struct node *operand)
{
	if (!check_bool(parser, operand, "'!'"))
		return NULL;
	return make_operator(parser, NODE_NOT, TYPE_BOOL, operand, NULL, begin, operand->end);
}

struct node *make_negate(struct parser *parser, size_t begin, struct node *operand)
{
	char name[48];
	if (!operand || parser->status < 0)
		return NULL;
	if (!type_is_quantity(operand->type))
		return parse_fail(parser, operand->begin,
			"'-' needs a number, a duration or a size, and %s is %s",
			quote(parser, operand, name), type_name(operand->type));
	return make_operator(parser, NODE_NEGATE, operand->type, operand, NULL, begin, operand->end);
}

/* A bare number can stand for a signal, an error or flags; 0 for nothing of any unit. */
static bool adapt(struct node *node, enum value_type type)
{
	if (node->kind != NODE_LITERAL || node->type != TYPE_NUMBER)
		return false;
	struct fraction number = node->literal->range.low;
	bool zero = number.above == 0, whole = number.below == 1;
	if (!(type == TYPE_FLAGS || type == TYPE_SIGNAL || type == TYPE_ERROR) &&
		!(zero && type_is_quantity(type)))
		return false;
	if (!whole)
		return false;
	value_set_count(node->literal, type, (uint64_t)number.above);
	node->literal->known = true;
	node->literal->flags = (uint64_t)number.above;
	node->type = type;
	return true;
}

static struct node *fail_mismatch(struct parser *parser, const struct node *left, const struct node *right)
{
	char a[48], b[48];
	if (left->kind == NODE_LITERAL && right->kind != NODE_LITERAL) {
		const struct node *swap = left;
		left = right;
		right = swap;
	}
	bool unit = right->kind == NODE_LITERAL && right->type == TYPE_NUMBER;
	quote(parser, left, a);
	quote(parser, right, b);
	if (unit && left->type == TYPE_DURATION)
		return parse_fail(
			parser, right->begin, "%s is a duration: %s needs a unit, as in 2s or 500ms", a, b);
	if (unit && left->type == TYPE_SIZE)
		return parse_fail(
			parser, right->begin, "%s is a size: %s needs a unit, as in 64MiB or 4KiB", a, b);
	return parse_fail(parser, right->begin, "%s is not %s: %s is %s and %s is %s", type_name(left->type),
		type_name(right->type), a, type_name(left->type), b, type_name(right->type));
}

/* Make both of one type if that can be. */
static bool unify(struct parser *parser, struct node *left, struct node *right)
{
	if (left->type == right->type || adapt(right, left->type) || adapt(left, right->type))
		return true;
	fail_mismatch(parser, left, right);
	return false;
}

static struct node *fail_operand(
	struct parser *parser, enum operation operation, const struct node *operand, const char *wanted)
{
	char name[48];
	return parse_fail(parser, operand->begin, "'%s' needs %s, and %s is %s", operation_name(operation),
		wanted, quote(parser, operand, name), type_name(operand->type));
}

/* Of a signal that is never seen to arrive, "none was received" would always hold. */
static bool check_signal(struct parser *parser, const struct node *left, const struct node *right)
{
	if (left->kind != NODE_TERM || left->term->scopes != SCOPE_RECEIVED || right->kind != NODE_LITERAL)
		return true;
	int64_t signo = right->literal->range.low.above;
	if (right->type == TYPE_SIGNAL && signo == SIGCHLD)
		parse_fail(
			parser, right->begin, "kin does not see SIGCHLD arrive: ask for the exits of tasks");
	if (right->type == TYPE_SIGNAL && signo == SIGKILL)
		parse_fail(parser, right->begin,
			"kin does not see SIGKILL arrive: ask for 'signal == SIGKILL', the signal that ended "
			"a task");
	return parser->status == 0;
}

static bool check_comparison(
	struct parser *parser, enum operation operation, struct node *left, struct node *right)
{
	bool equality = operation == OPERATION_EQUAL || operation == OPERATION_NOT_EQUAL;
	if (!unify(parser, left, right) || !check_signal(parser, left, right) ||
		!check_signal(parser, right, left))
		return false;
	if (left->type == TYPE_WORDS)
		fail_operand(parser, operation, left, "one value; ask a list with 'has' or '=~'");
	else if (!equality && !type_is_quantity(left->type))
		fail_operand(parser, operation, left, "numbers, durations or sizes");
	return parser->status == 0;
}

static bool check_match(
	struct parser *parser, enum operation operation, struct node *left, struct node *right)
{
	if (left->type != TYPE_STRING && left->type != TYPE_WORDS)
		fail_operand(parser, operation, left, "a string or a list of strings on its left");
	else if (right->kind != NODE_LITERAL || right->type != TYPE_STRING)
		fail_operand(parser, operation, right, "a pattern in quotes on its right");
	return parser->status == 0;
}

static bool check_has(struct parser *parser, enum operation operation, struct node *left, struct node *right)
{
	enum value_type wanted = left->type == TYPE_FLAGS ? TYPE_FLAGS : TYPE_STRING;
	if (left->type != TYPE_FLAGS && left->type != TYPE_STRING && left->type != TYPE_WORDS)
		fail_operand(parser, operation, left, "flags, a string or a list of strings on its left");
	else if (right->type != wanted && !adapt(right, wanted))
		fail_operand(parser, operation, right,
			wanted == TYPE_FLAGS ? "flags on its right, as in CLONE_VM|CLONE_FS"
					     : "a string on its right");
	return parser->status == 0;
}

static struct node *make_comparison(
	struct parser *parser, enum operation operation, struct node *left, struct node *right)
{
	bool good;
	switch (operation) {
	case OPERATION_OR:
	case OPERATION_AND: {
		const char *user = operation == OPERATION_OR ? "'||'" : "'&&'";
		good = check_bool(parser, left, user) && check_bool(parser, right, user);
		break;
	}
	case OPERATION_MATCH:
	case OPERATION_NO_MATCH:
		good = check_match(parser, operation, left, right);
		break;
	case OPERATION_HAS:
		good = check_has(parser, operation, left, right);
		break;
	default:
		good = check_comparison(parser, operation, left, right);
	}
	if (!good)
		return NULL;
	struct node *node =
		make_operator(parser, NODE_BINARY, TYPE_BOOL, left, right, left->begin, right->end);
	if (node)
		node->operation = operation;
	return node;
}

/* Sums and remainders are of one type; a product has at most one unit; a ratio of two of one unit is a number. */
static bool arithmetic_type(struct parser *parser, enum operation operation, struct node *left,
	struct node *right, enum value_type *ret)
{
	*ret = left->type;
	if (operation == OPERATION_UNITE) {
		if (left->type != TYPE_FLAGS)
			adapt(left, TYPE_FLAGS);
		if (right->type != TYPE_FLAGS)
			adapt(right, TYPE_FLAGS);
		*ret = TYPE_FLAGS;
		if (left->type != TYPE_FLAGS || right->type != TYPE_FLAGS)
			fail_operand(parser, operation, left->type == TYPE_FLAGS ? right : left,
				"flags; 'or' is '||'");
		return parser->status == 0;
	}
	if (!type_is_quantity(left->type) || !type_is_quantity(right->type)) {
		fail_operand(parser, operation, type_is_quantity(left->type) ? right : left,
			"numbers, durations or sizes");
		return false;
	}
	if (operation == OPERATION_MULTIPLY && left->type == TYPE_NUMBER) {
		*ret = right->type;
		return true;
	}
	if ((operation == OPERATION_MULTIPLY || operation == OPERATION_DIVIDE) && right->type == TYPE_NUMBER)
		return true;
	if (operation == OPERATION_MULTIPLY) {
		fail_operand(parser, operation, right, "a plain number on one of its sides");
		return false;
	}
	if (!unify(parser, left, right))
		return false;
	*ret = operation == OPERATION_DIVIDE ? TYPE_NUMBER : left->type;
	return true;
}

struct node *make_binary(
	struct parser *parser, enum operation operation, struct node *left, struct node *right)
{
	if (!left || !right || parser->status < 0)
		return NULL;
	if (operation < OPERATION_UNITE)
		return make_comparison(parser, operation, left, right);
	enum value_type type;
	if (!arithmetic_type(parser, operation, left, right, &type))
		return NULL;
	struct node *node = make_operator(parser, NODE_BINARY, type, left, right, left->begin, right->end);
	if (node)
		node->operation = operation;
	return node;
}

struct node *make_in(struct parser *parser, struct node *left, struct node *list)
{
	if (!left || parser->status < 0)
		return NULL;
	unsigned height = left->height;
	for (struct node *item = list; item; item = item->next) {
		if (!check_comparison(parser, OPERATION_EQUAL, left, item))
			return NULL;
		height = item->height > height ? item->height : height;
	}
	struct node *node = make_operator(parser, NODE_IN, TYPE_BOOL, left, list, left->begin, list->end);
	if (!node)
		return NULL;
	node->height = height + 1;
	return node;
}
