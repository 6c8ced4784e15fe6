#include "expect/eval.h"

#include <errno.h>
#include <string.h>

void evaluation_init(struct evaluation *evaluation, const struct history *history)
{
	evaluation->history = history;
	evaluation->open = history_open(history);
}

static void set_bool(struct value *ret, enum truth truth, const struct reason *why)
{
	*ret = (struct value){ .type = TYPE_BOOL, .truth = truth };
	if (truth == TRUTH_UNKNOWN)
		ret->why = *why;
}

static const struct reason *either_reason(const struct value *left, const struct value *right)
{
	return left->why.text ? &left->why : &right->why;
}

static enum truth equal(const struct value *left, const struct value *right)
{
	bool same;
	switch (left->type) {
	case TYPE_BOOL:
		if (left->truth == TRUTH_UNKNOWN || right->truth == TRUTH_UNKNOWN)
			return TRUTH_UNKNOWN;
		same = left->truth == right->truth;
		break;
	case TYPE_STRING:
		if (!left->known || !right->known)
			return TRUTH_UNKNOWN;
		same = strcmp(left->string, right->string) == 0;
		break;
	case TYPE_FLAGS:
		if (!left->known || !right->known)
			return TRUTH_UNKNOWN;
		same = left->flags == right->flags;
		break;
	default:
		return range_equal(&left->range, &right->range);
	}
	return same ? TRUTH_YES : TRUTH_NO;
}

/* Whether the string, or one of the words, matches the pattern or is the word looked for. */
static enum truth matches(const struct value *left, const char *wanted, bool is_pattern)
{
	if (!left->known)
		return TRUTH_UNKNOWN;
	if (left->type == TYPE_STRING) {
		bool found =
			is_pattern ? glob_match(wanted, left->string) : strstr(left->string, wanted) != NULL;
		return found ? TRUTH_YES : TRUTH_NO;
	}
	for (size_t i = 0; i < left->words->count; i++) {
		const char *word = left->words->word[i];
		if (is_pattern ? glob_match(wanted, word) : strcmp(wanted, word) == 0)
			return TRUTH_YES;
	}
	return TRUTH_NO;
}

static enum truth has(const struct value *left, const struct value *right)
{
	if (!left->known || !right->known)
		return TRUTH_UNKNOWN;
	if (left->type == TYPE_FLAGS)
		return (left->flags & right->flags) == right->flags ? TRUTH_YES : TRUTH_NO;
	return matches(left, right->string, false);
}

static enum truth compare(enum operation operation, const struct value *left, const struct value *right)
{
	switch (operation) {
	case OPERATION_OR:
		return truth_or(left->truth, right->truth);
	case OPERATION_AND:
		return truth_and(left->truth, right->truth);
	case OPERATION_EQUAL:
		return equal(left, right);
	case OPERATION_NOT_EQUAL:
		return truth_not(equal(left, right));
	case OPERATION_LESS:
		return range_less(&left->range, &right->range);
	case OPERATION_LESS_EQUAL:
		return truth_not(range_less(&right->range, &left->range));
	case OPERATION_GREATER:
		return range_less(&right->range, &left->range);
	case OPERATION_GREATER_EQUAL:
		return truth_not(range_less(&left->range, &right->range));
	case OPERATION_MATCH:
		return matches(left, right->string, true);
	case OPERATION_NO_MATCH:
		return truth_not(matches(left, right->string, true));
	default:
		return has(left, right);
	}
}

static void calculate(
	struct value *ret, const struct node *node, const struct value *left, const struct value *right)
{
	struct value result = { .type = node->type, .why = *either_reason(left, right) };
	int error = range_calculate(
		&result.range, operation_name(node->operation)[0], &left->range, &right->range);
	if (error < 0) {
		result.range.no_low = result.range.no_high = true;
		result.range.low = result.range.high = fraction_of(0);
		result.why.text = error == -EDOM ? "division by zero" : "the number is too large";
		result.why.task = NULL;
	}
	*ret = result;
}

static void unite(struct value *ret, const struct value *left, const struct value *right)
{
	*ret = (struct value){
		.type = TYPE_FLAGS,
		.known = left->known && right->known,
		.flags = left->flags | right->flags,
		.why = *either_reason(left, right),
	};
}

static void evaluate_binary(const struct evaluation *evaluation, const struct node *node,
	const struct subject *subject, struct value *ret)
{
	struct value left, right;
	evaluate(evaluation, node->left, subject, &left);
	evaluate(evaluation, node->right, subject, &right);
	if (node->operation == OPERATION_UNITE)
		unite(ret, &left, &right);
	else if (node->operation > OPERATION_UNITE)
		calculate(ret, node, &left, &right);
	else
		set_bool(ret, compare(node->operation, &left, &right), either_reason(&left, &right));
}

static void evaluate_in(const struct evaluation *evaluation, const struct node *node,
	const struct subject *subject, struct value *ret)
{
	struct value left, item;
	enum truth truth = TRUTH_NO;
	struct reason why = { 0 };
	evaluate(evaluation, node->left, subject, &left);
	for (const struct node *i = node->right; i; i = i->next) {
		evaluate(evaluation, i, subject, &item);
		truth = truth_or(truth, equal(&left, &item));
		if (!why.text)
			why = *either_reason(&left, &item);
	}
	set_bool(ret, truth, &why);
}

static void evaluate_negate(const struct evaluation *evaluation, const struct node *node,
	const struct subject *subject, struct value *ret)
{
	struct value zero, operand;
	value_set_count(&zero, node->type, 0);
	evaluate(evaluation, node->left, subject, &operand);
	struct node minus = { .type = node->type, .operation = OPERATION_SUBTRACT };
	calculate(ret, &minus, &zero, &operand);
}

struct tally {
	const struct evaluation *evaluation;
	const struct node *body;
	uint64_t counts[3]; // by enum truth
	struct reason why;
};

static bool tally_one(const struct subject *subject, void *arg)
{
	struct tally *tally = arg;
	struct value value;
	evaluate(tally->evaluation, tally->body, subject, &value);
	tally->counts[value.truth]++;
	if (value.truth == TRUTH_UNKNOWN && !tally->why.text)
		tally->why = value.why;
	return true;
}

/* Why the quantifier may not have seen all it ranges over. */
static struct reason domain_open(const struct evaluation *evaluation, enum domain domain)
{
	if (domain == DOMAIN_RECEIVED && !has_source(evaluation->history, "ptrace"))
		return (struct reason){ .text = "signals are seen by ptrace alone" };
	if (domain == DOMAIN_FAILED && !has_source(evaluation->history, "seccomp"))
		return (struct reason){ .text = "failed calls are not in the recording" };
	return evaluation->open;
}

static void count_tally(const struct tally *tally, bool open, struct value *ret)
{
	value_set_count(ret, TYPE_NUMBER, tally->counts[TRUTH_YES]);
	ret->range.high = fraction_of((int64_t)(tally->counts[TRUTH_YES] + tally->counts[TRUTH_UNKNOWN]));
	ret->range.no_high = open;
	ret->why = tally->why;
}

static void evaluate_quantifier(
	const struct evaluation *evaluation, const struct node *node, struct value *ret)
{
	if (selection_is_empty(evaluation->history, &node->selection)) {
		value_set_unknown(ret, node->type, "nothing matches the pattern", NULL);
		return;
	}
	struct tally tally = { .evaluation = evaluation, .body = node->left };
	visit(evaluation->history, &node->selection, node->domain, node->made_only, tally_one, &tally);
	struct reason open = domain_open(evaluation, node->domain);
	bool in_doubt = tally.counts[TRUTH_UNKNOWN] || open.text;
	if (!tally.why.text)
		tally.why = open;
	if (node->quantifier == QUANTIFIER_COUNT) {
		count_tally(&tally, open.text != NULL, ret);
		return;
	}
	enum truth decisive = node->quantifier == QUANTIFIER_ALL ? TRUTH_NO : TRUTH_YES;
	enum truth found = tally.counts[decisive] ? TRUTH_YES : in_doubt ? TRUTH_UNKNOWN : TRUTH_NO;
	set_bool(ret, node->quantifier == QUANTIFIER_ANY ? found : truth_not(found), &tally.why);
}

void evaluate(const struct evaluation *evaluation, const struct node *node, const struct subject *subject,
	struct value *ret)
{
	switch (node->kind) {
	case NODE_LITERAL:
		*ret = *node->literal;
		break;
	case NODE_TERM:
		if (subject)
			node->term->measure(ret, subject);
		else
			fold_term(evaluation, node->term, &node->selection, ret);
		break;
	case NODE_COUNT:
		fold_count(evaluation, &node->selection, ret);
		break;
	case NODE_QUANTIFIER:
		evaluate_quantifier(evaluation, node, ret);
		break;
	case NODE_NOT:
		evaluate(evaluation, node->left, subject, ret);
		set_bool(ret, truth_not(ret->truth), &(struct reason){ ret->why.text, ret->why.task });
		break;
	case NODE_NEGATE:
		evaluate_negate(evaluation, node, subject, ret);
		break;
	case NODE_BINARY:
		evaluate_binary(evaluation, node, subject, ret);
		break;
	case NODE_IN:
		evaluate_in(evaluation, node, subject, ret);
		break;
	}
}
