/* From a value to a verdict, and from a broken expectation to the names and tasks that broke it. */
#include "expect/eval.h"

#include "model/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct check {
	const struct expectation *expectation;
	struct evaluation evaluation;
	struct outcome *outcome;
	bool cannot_tell;
	const struct node **blamed; // leaves whose culprits have been collected
	size_t n_blamed, room;
	int error;
};

/* A text as one line of valid UTF-8 without control characters, for any place it is printed to. Frees the text. */
static char *take_line(struct check *check, struct text *text)
{
	char *line = text_failed(text) ? NULL : strdup(text_string(text));
	text_finish(text);
	if (!line) {
		check->error = -ENOMEM;
		return NULL;
	}
	for (char *c = line; *c;) {
		uint32_t code_point;
		size_t length = text_utf8_next(c, &code_point);
		bool shown = length && code_point >= ' ' && !(code_point >= 0x7f && code_point < 0xa0);
		if (!shown)
			memset(c, '?', length ? length : 1);
		c += length ? length : 1;
	}
	return line;
}

static bool same_source(const struct check *check, const struct node *a, const struct node *b)
{
	const char *source = check->expectation->source;
	size_t length = a->end - a->begin;
	return length == b->end - b->begin && memcmp(source + a->begin, source + b->begin, length) == 0;
}

static void add_seen(struct check *check, const struct node *node)
{
	struct outcome *outcome = check->outcome;
	struct text name = { 0 }, formatted = { 0 };
	struct value value;
	text_add_bytes(&name, check->expectation->source + node->begin, node->end - node->begin);
	for (size_t i = 0; i < outcome->n_seen; i++) {
		if (strcmp(outcome->seen[i].name, text_string(&name)) == 0) {
			text_finish(&name);
			return;
		}
	}
	struct seen *seen = realloc(outcome->seen, (outcome->n_seen + 1) * sizeof *seen);
	if (!seen) {
		text_finish(&name);
		check->error = -ENOMEM;
		return;
	}
	outcome->seen = seen;
	evaluate(&check->evaluation, node, NULL, &value);
	value_format(&formatted, &value);
	seen += outcome->n_seen++;
	seen->name = take_line(check, &name);
	seen->value = take_line(check, &formatted);
}

/* The names of an expression, outside of quantifiers, in the order in which they stand. */
static void collect_seen(struct check *check, const struct node *node)
{
	if (!node || check->error < 0)
		return;
	bool is_leaf = node->kind == NODE_TERM || node->kind == NODE_COUNT || node->kind == NODE_QUANTIFIER;
	bool says_verdict = node->kind == NODE_QUANTIFIER && node == check->expectation->root;
	if (is_leaf && !says_verdict)
		add_seen(check, node);
	if (is_leaf)
		return;
	collect_seen(check, node->left);
	if (node->kind != NODE_IN)
		collect_seen(check, node->right);
	else
		for (const struct node *item = node->right; item; item = item->next)
			collect_seen(check, item);
}

struct blaming {
	struct check *check;
	const struct node *leaf;
	enum truth guilty; // NODE_QUANTIFIER: the truth of the body that makes a culprit
	bool all; // every one is a culprit: none of them did what was wanted
	struct value largest; // NODE_TERM with FOLD_MAX
};

static void add_words(struct text *line, const struct words *words)
{
	for (size_t i = 0; i < words->count && line->length < 200; i++)
		text_printf(line, " %.100s", words->word[i]);
	if (line->length >= 200)
		text_add(line, " ...");
}

static void describe_call(struct text *line, const struct subject *subject)
{
	char name[24];
	if (subject->program) {
		const struct program *program = subject->program;
		text_printf(line, " ran %s",
			program->path && *program->path ? program->path : program_title(program));
		if (program->argv && program->argv->count > 1)
			add_words(line, &(struct words){ program->argv->count - 1, program->argv->word + 1 });
	} else if (subject->failure) {
		const struct failure *failure = subject->failure;
		text_printf(line, ": %s", call_name(failure->by.call));
		if (failure->path)
			text_printf(line, " of %s", failure->path);
		text_printf(line, " failed with %s", error_name(failure->error, name));
		if (failure->limit)
			text_printf(line, " (%s)", failure->limit);
	} else if (subject->signal) {
		text_printf(line, " received %s", signal_name(subject->signal->signo, name));
	}
}

/* What describe_call has said already. */
static bool is_described(const struct term *term)
{
	static measure_function *const described[] = { measure_exec_argv, measure_exec_path,
		measure_failed_call, measure_failed_error, measure_failed_path, measure_received_signal };
	for (size_t i = 0; i < sizeof described / sizeof *described; i++)
		if (term->measure == described[i])
			return true;
	return false;
}

static void describe_names(
	struct blaming *blaming, struct text *line, const struct node *node, const struct subject *subject)
{
	if (!node)
		return;
	if (node->kind != NODE_TERM) {
		describe_names(blaming, line, node->left, subject);
		describe_names(blaming, line, node->kind == NODE_IN ? NULL : node->right, subject);
		return;
	}
	if (is_described(node->term))
		return;
	struct text item = { 0 };
	struct value value;
	node->term->measure(&value, subject);
	text_printf(&item, " %s = ", node->term->name);
	value_format(&item, &value);
	if (!strstr(text_string(line), text_string(&item)))
		text_printf(line, "%s%s", strchr(text_string(line), '=') ? "," : ":", text_string(&item));
	text_finish(&item);
}

static void add_culprit(struct blaming *blaming, const struct subject *subject)
{
	struct check *check = blaming->check;
	struct outcome *outcome = check->outcome;
	const struct task *task = subject->task;
	if (outcome->n_culprits == OUTCOME_CULPRITS) {
		outcome->more++;
		return;
	}
	struct text line = { 0 };
	text_printf(
		&line, "%s %d %s", task->leader == task ? "process" : "thread", task->tid, task_title(task));
	describe_call(&line, subject);
	const struct node *leaf = blaming->leaf;
	if (leaf->kind == NODE_QUANTIFIER)
		describe_names(blaming, &line, leaf->left, subject);
	else if (leaf->kind == NODE_TERM && !term_counts_tasks(leaf->term) && !subject->program &&
		 !subject->failure && !subject->signal)
		describe_names(blaming, &line, leaf, subject);
	else if (!subject->program && !subject->failure && !subject->signal && task->maker)
		text_printf(&line, ", made by %s in task %d", call_name(task->by.call), task->maker->tid);
	struct culprit *culprit = &outcome->culprits[outcome->n_culprits++];
	culprit->task = task;
	culprit->line = take_line(check, &line);
}

static bool blame_by_body(const struct subject *subject, void *arg)
{
	struct blaming *blaming = arg;
	struct value value;
	evaluate(&blaming->check->evaluation, blaming->leaf->left, subject, &value);
	if (blaming->all || value.truth == blaming->guilty)
		add_culprit(blaming, subject);
	return blaming->check->error == 0;
}

static void blame_quantifier(struct check *check, const struct node *node, enum truth got)
{
	struct blaming blaming = { .check = check, .leaf = node, .guilty = TRUTH_YES };
	if (check->cannot_tell)
		blaming.guilty = TRUTH_UNKNOWN;
	else if (node->quantifier == QUANTIFIER_ALL)
		blaming.guilty = got == TRUTH_NO ? TRUTH_NO : TRUTH_YES;
	else if (node->quantifier != QUANTIFIER_COUNT)
		blaming.all = (got == TRUTH_YES) == (node->quantifier == QUANTIFIER_NONE);
	visit(check->evaluation.history, &node->selection, node->domain, node->made_only, blame_by_body,
		&blaming);
}

static bool blame_by_measure(const struct subject *subject, void *arg)
{
	struct blaming *blaming = arg;
	const struct term *term = blaming->leaf->term;
	struct value value;
	term->measure(&value, subject);
	bool guilty = blaming->check->cannot_tell ? !value_is_exact(&value)
						  : !value_is_exact(&value) || value.range.low.above != 0;
	if (guilty && term->fold == FOLD_MAX && !blaming->check->cannot_tell)
		guilty = subject->task->leader == subject->task &&
			 fraction_compare(value.range.low, blaming->largest.range.low) == 0;
	if (guilty)
		add_culprit(blaming, subject);
	return blaming->check->error == 0;
}

static bool blame_each(const struct subject *subject, void *arg)
{
	struct blaming *blaming = arg;
	if (blaming->leaf->kind != NODE_COUNT || blaming->leaf->selection.selector != SELECT_PROCESS ||
		!subject->task->thread)
		add_culprit(blaming, subject);
	return blaming->check->error == 0;
}

static void blame_prog(struct blaming *blaming)
{
	const struct history *history = blaming->check->evaluation.history;
	if (history->n_tasks == 0)
		return;
	struct subject prog = { .history = history };
	prog.task = process_task(history, history->tasks[0]);
	struct value value;
	blaming->leaf->term->measure(&value, &prog);
	if (!blaming->check->cannot_tell || !value_is_exact(&value))
		add_culprit(blaming, &prog);
}

static void blame_term(struct check *check, const struct node *node)
{
	static const struct {
		measure_function *measure;
		enum domain domain;
	} listed[] = {
		{ measure_execs, DOMAIN_EXECS },
		{ measure_failed, DOMAIN_FAILED },
		{ measure_signals, DOMAIN_RECEIVED },
	};
	const struct history *history = check->evaluation.history;
	struct blaming blaming = { .check = check, .leaf = node };
	if (node->term->fold == FOLD_PROG) {
		blame_prog(&blaming);
		return;
	}
	for (size_t i = 0; i < sizeof listed / sizeof *listed && !check->cannot_tell; i++) {
		if (node->term->measure != listed[i].measure)
			continue;
		visit(history, &node->selection, listed[i].domain, false, blame_each, &blaming);
		return;
	}
	if (node->term->fold == FOLD_MAX)
		fold_term(&check->evaluation, node->term, &node->selection, &blaming.largest);
	if (node->term->fold != FOLD_SPAN || check->cannot_tell)
		visit(history, &node->selection, DOMAIN_TASKS, false, blame_by_measure, &blaming);
}

static void blame_count(struct check *check, const struct node *node)
{
	struct blaming blaming = { .check = check, .leaf = node };
	enum domain domain = node->selection.selector == SELECT_EXEC ? DOMAIN_EXECS : DOMAIN_TASKS;
	if (!check->cannot_tell)
		visit(check->evaluation.history, &node->selection, domain, false, blame_each, &blaming);
}

/* Returns false if the leaf has been blamed before: one name can stand in an expression several times. */
static bool remember(struct check *check, const struct node *node)
{
	for (size_t i = 0; i < check->n_blamed; i++)
		if (same_source(check, check->blamed[i], node))
			return false;
	if (check->n_blamed == check->room) {
		size_t room = check->room ? check->room * 2 : 16;
		const struct node **blamed = realloc(check->blamed, room * sizeof(struct node *));
		if (!blamed) {
			check->error = -ENOMEM;
			return false;
		}
		check->blamed = blamed;
		check->room = room;
	}
	check->blamed[check->n_blamed++] = node;
	return true;
}

static void blame_leaves(struct check *check, const struct node *node)
{
	if (!node || check->error < 0)
		return;
	struct value value;
	switch (node->kind) {
	case NODE_TERM:
		if (remember(check, node))
			blame_term(check, node);
		break;
	case NODE_COUNT:
		if (remember(check, node))
			blame_count(check, node);
		break;
	case NODE_QUANTIFIER:
		evaluate(&check->evaluation, node, NULL, &value);
		if (remember(check, node))
			blame_quantifier(check, node, value.truth);
		break;
	default:
		blame_leaves(check, node->left);
		for (const struct node *item = node->right; item; item = item->next)
			blame_leaves(check, item);
	}
}

/* Down to the comparisons that are not as they had to be for the whole to hold. */
static void blame(struct check *check, const struct node *node, enum truth wanted)
{
	struct value value;
	evaluate(&check->evaluation, node, NULL, &value);
	if (value.truth == wanted || check->error < 0)
		return;
	bool joins = node->kind == NODE_BINARY &&
		     (node->operation == OPERATION_AND || node->operation == OPERATION_OR);
	if (node->kind == NODE_NOT) {
		blame(check, node->left, truth_not(wanted));
	} else if (joins) {
		blame(check, node->left, wanted);
		blame(check, node->right, wanted);
	} else {
		blame_leaves(check, node);
	}
}

int expectation_check(
	const struct expectation *expectation, const struct history *history, struct outcome *ret)
{
	*ret = (struct outcome){ .verdict = VERDICT_HELD };
	struct check check = { .expectation = expectation, .outcome = ret };
	struct value value;
	evaluation_init(&check.evaluation, history);
	evaluate(&check.evaluation, expectation->root, NULL, &value);
	if (value.truth == TRUTH_YES)
		return 0;
	check.cannot_tell = value.truth == TRUTH_UNKNOWN;
	ret->verdict = check.cannot_tell ? VERDICT_CANNOT_TELL : VERDICT_NOT_HELD;
	if (check.cannot_tell) {
		struct text why = { 0 };
		reason_format(&why, &value.why);
		ret->why = take_line(&check, &why);
	}
	collect_seen(&check, expectation->root);
	blame(&check, expectation->root, TRUTH_YES);
	free(check.blamed);
	if (check.error < 0)
		outcome_finish(ret);
	return check.error;
}

void outcome_finish(struct outcome *outcome)
{
	for (size_t i = 0; i < outcome->n_seen; i++) {
		free(outcome->seen[i].name);
		free(outcome->seen[i].value);
	}
	for (size_t i = 0; i < outcome->n_culprits; i++)
		free(outcome->culprits[i].line);
	free(outcome->seen);
	free(outcome->why);
	*outcome = (struct outcome){ 0 };
}
