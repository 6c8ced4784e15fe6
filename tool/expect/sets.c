/* A name of many tasks, from its measures of each. */
#include "expect/eval.h"

struct folding {
	const struct term *term;
	struct value value;
	bool any; // something was visited
	bool whole; // of the whole recording
	uint64_t start, end; // FOLD_SPAN
};

/* Keep the first reason: one is enough for the user, and the first task is as good as any. */
static void keep_reason(struct value *value, const struct reason *why)
{
	if (!value->why.text)
		value->why = *why;
}

static void add(struct value *sum, const struct value *one)
{
	struct range result;
	if (range_calculate(&result, '+', &sum->range, &one->range) < 0) {
		sum->range.no_high = true;
		keep_reason(sum, &(struct reason){ .text = "the number is too large" });
	} else {
		sum->range = result;
	}
	keep_reason(sum, &one->why);
}

static void take_larger(struct value *largest, const struct value *one)
{
	if (fraction_compare(one->range.low, largest->range.low) > 0)
		largest->range.low = one->range.low;
	if (fraction_compare(one->range.high, largest->range.high) > 0)
		largest->range.high = one->range.high;
	largest->range.no_high = largest->range.no_high || one->range.no_high;
	keep_reason(largest, &one->why);
}

static void extend_span(struct folding *folding, const struct subject *subject, const struct value *one)
{
	uint64_t start = subject->task->start, end = start + task_wall(subject->history, subject->task);
	if (!folding->any || start < folding->start)
		folding->start = start;
	if (!folding->any || end > folding->end)
		folding->end = end;
	if (folding->whole) // the run as it was followed ends with what was seen
		return;
	folding->value.range.no_high = folding->value.range.no_high || one->range.no_high;
	keep_reason(&folding->value, &one->why);
}

static bool fold_one(const struct subject *subject, void *arg)
{
	struct folding *folding = arg;
	struct value one;
	folding->term->measure(&one, subject);
	if (folding->term->fold == FOLD_SUM)
		add(&folding->value, &one);
	else if (folding->term->fold == FOLD_MAX)
		take_larger(&folding->value, &one);
	else
		extend_span(folding, subject, &one);
	folding->any = true;
	return true;
}

static void finish_span(struct folding *folding)
{
	struct value span;
	value_set_count(&span, folding->term->type, folding->end - folding->start);
	span.range.no_high = span.range.no_high || folding->value.range.no_high;
	span.why = folding->value.why;
	folding->value = span;
}

static void leave_open(const struct evaluation *evaluation, struct value *value)
{
	if (!evaluation->open.text)
		return;
	value->range.no_high = true;
	keep_reason(value, &evaluation->open);
}

static void fold_prog(const struct evaluation *evaluation, const struct term *term, struct value *ret)
{
	const struct history *history = evaluation->history;
	if (history->n_tasks == 0) {
		value_set_unknown(ret, term->type, "no task was seen", NULL);
		return;
	}
	struct subject prog = { .history = history, .task = process_task(history, history->tasks[0]) };
	term->measure(ret, &prog);
}

void fold_term(const struct evaluation *evaluation, const struct term *term,
	const struct selection *selection, struct value *ret)
{
	const struct history *history = evaluation->history;
	if (term->fold == FOLD_PROG) {
		fold_prog(evaluation, term, ret);
		return;
	}
	struct folding folding = { .term = term, .whole = selection->selector == SELECT_ALL };
	value_set_count(&folding.value, term->type, 0);
	visit(history, selection, DOMAIN_TASKS, false, fold_one, &folding);
	if (!folding.any) {
		value_set_unknown(ret, term->type, "nothing matches the pattern", NULL);
		if (selection->selector == SELECT_ALL)
			ret->why.text = "no task was seen";
		return;
	}
	if (term->fold == FOLD_SPAN)
		finish_span(&folding);
	*ret = folding.value;
	leave_open(evaluation, ret);
}

static bool count_one(const struct subject *subject, void *arg)
{
	++*(uint64_t *)arg;
	return true;
}

static bool count_process(const struct subject *subject, void *arg)
{
	if (!subject->task->thread)
		++*(uint64_t *)arg;
	return true;
}

void fold_count(const struct evaluation *evaluation, const struct selection *selection, struct value *ret)
{
	uint64_t count = 0;
	enum domain domain = selection->selector == SELECT_EXEC ? DOMAIN_EXECS : DOMAIN_TASKS;
	visit_function *function = selection->selector == SELECT_PROCESS ? count_process : count_one;
	visit(evaluation->history, selection, domain, false, function, &count);
	value_set_count(ret, TYPE_NUMBER, count);
	leave_open(evaluation, ret);
}
