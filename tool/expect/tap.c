/* Expectations as TAP version 14, https://testanything.org/tap-version-14-specification.html */
#include "expect/tell.h"

static const char *escape_description(char c)
{
	return c == '\\' ? "\\\\" : c == '#' ? "\\#" : NULL;
}

static const char *escape_quoted(char c)
{
	return c == '\\' ? "\\\\" : c == '"' ? "\\\"" : NULL;
}

/* A YAML string in double quotes. */
static void add_quoted(struct text *out, const char *string)
{
	text_add_char(out, '"');
	tell_line(out, string, escape_quoted);
	text_add_char(out, '"');
}

static void add_entry(struct text *out, const char *key, const char *string)
{
	text_printf(out, "%s: ", key);
	add_quoted(out, string);
	text_add_char(out, '\n');
}

static void add_details(struct text *out, const struct outcome *outcome)
{
	text_add(out, "  ---\n");
	add_entry(out, "  message", verdict_name(outcome->verdict));
	if (outcome->why)
		add_entry(out, "  reason", outcome->why);
	if (outcome->n_seen)
		text_add(out, "  values:\n");
	for (size_t i = 0; i < outcome->n_seen; i++) {
		text_add(out, "    ");
		add_quoted(out, outcome->seen[i].name);
		text_add(out, ": ");
		add_quoted(out, outcome->seen[i].value);
		text_add_char(out, '\n');
	}
	if (outcome->n_culprits)
		text_add(out, "  tasks:\n");
	for (size_t i = 0; i < outcome->n_culprits; i++) {
		text_add(out, "    - ");
		add_quoted(out, outcome->culprits[i].line);
		text_add_char(out, '\n');
	}
	if (outcome->more)
		text_printf(out, "  more_tasks: %zu\n", outcome->more);
	text_add(out, "  ...\n");
}

void tap_report(struct text *out, const struct report *report)
{
	text_printf(out, "TAP version 14\n1..%zu\n", report->count);
	if (report->broken) {
		text_add(out, "Bail out! ");
		tell_line(out, report->broken, NULL);
		text_add_char(out, '\n');
		return;
	}
	for (size_t i = 0; i < report->count; i++) {
		const struct told *told = &report->told[i];
		bool held = told->outcome.verdict == VERDICT_HELD;
		text_printf(out, "%s %zu - ", held ? "ok" : "not ok", i + 1);
		tell_line(out, expectation_source(told->expectation), escape_description);
		text_add_char(out, '\n');
		if (!held)
			add_details(out, &told->outcome);
	}
}
