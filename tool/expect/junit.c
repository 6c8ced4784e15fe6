/* Expectations as JUnit XML, in the form CI servers read. */
#include "expect/tell.h"

#include <inttypes.h>

static const char *escape_xml(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	default:
		return NULL;
	}
}

/* For attributes and for text. */
static void add_escaped(struct text *out, const char *string)
{
	tell_line(out, string, escape_xml);
}

static void add_attribute(struct text *out, const char *name, const char *string)
{
	text_printf(out, " %s=\"", name);
	add_escaped(out, string);
	text_add_char(out, '"');
}

static void add_lines(struct text *out, const struct outcome *outcome)
{
	for (size_t i = 0; i < outcome->n_seen; i++) {
		add_escaped(out, outcome->seen[i].name);
		text_add(out, " = ");
		add_escaped(out, outcome->seen[i].value);
		text_add_char(out, '\n');
	}
	for (size_t i = 0; i < outcome->n_culprits; i++) {
		add_escaped(out, outcome->culprits[i].line);
		text_add_char(out, '\n');
	}
	if (outcome->more)
		text_printf(out, "and %zu more\n", outcome->more);
}

static void add_case(struct text *out, const struct report *report, const struct told *told)
{
	const struct outcome *outcome = &told->outcome;
	text_add(out, "    <testcase");
	add_attribute(out, "classname", "kin.expect");
	add_attribute(out, "name", expectation_source(told->expectation));
	if (!report->broken && outcome->verdict == VERDICT_HELD) {
		text_add(out, "/>\n");
		return;
	}
	bool failure = !report->broken && outcome->verdict == VERDICT_NOT_HELD;
	const char *element = failure ? "failure" : "error";
	const char *message = report->broken ? report->broken : outcome->why;
	text_printf(out, ">\n      <%s", element);
	add_attribute(out, "message", message ? message : verdict_name(outcome->verdict));
	add_attribute(out, "type", report->broken ? "not started" : verdict_name(outcome->verdict));
	text_add_char(out, '>');
	add_lines(out, outcome);
	text_printf(out, "</%s>\n    </testcase>\n", element);
}

static void add_counts(struct text *out, const struct report *report)
{
	size_t failures = 0, errors = 0;
	for (size_t i = 0; i < report->count; i++) {
		enum verdict verdict = report->told[i].outcome.verdict;
		if (report->broken || verdict == VERDICT_CANNOT_TELL)
			errors++;
		else if (verdict == VERDICT_NOT_HELD)
			failures++;
	}
	uint64_t us = report->history->last_time / 1000;
	text_printf(out,
		" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"0\" time=\"%" PRIu64 ".%06" PRIu64
		"\"",
		report->count, failures, errors, us / 1000000, us % 1000000);
}

void junit_report(struct text *out, const struct report *report)
{
	text_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
	add_counts(out, report);
	text_add(out, ">\n  <testsuite");
	add_attribute(out, "name", report->title);
	add_counts(out, report);
	text_add(out, ">\n");
	for (size_t i = 0; i < report->count; i++)
		add_case(out, report, &report->told[i]);
	text_add(out, "  </testsuite>\n</testsuites>\n");
}
