/* The names of the language for a person: kin expect --list-names. */
#include "expect/expect.h"
#include "expect/vocabulary.h"

static const struct {
	unsigned scopes;
	const char *title;
} parts[] = {
	{ SCOPE_WHOLE, "of the whole run" },
	{ SCOPE_SELECTION, "after task(\"...\"), process(\"...\") or exec(\"...\") and a dot" },
	{ SCOPE_TASK, "of one task, inside any(...), all(...), none(...) and count(...)" },
	{ SCOPE_CLONE, "of the call that made the task, inside those" },
	{ SCOPE_EXEC, "of one program run, inside those" },
	{ SCOPE_FAILED, "of one failed call, inside those" },
	{ SCOPE_RECEIVED, "of one signal that reached a task, inside those" },
};

static const char *short_type(enum value_type type)
{
	switch (type) {
	case TYPE_BOOL:
		return "yes/no";
	case TYPE_WORDS:
		return "strings";
	case TYPE_FLAGS:
		return "flags";
	default: // without the article
		return type_name(type) + (type_name(type)[1] == 'n' ? 3 : 2);
	}
}

void expect_list_names(struct text *out)
{
	for (size_t part = 0; part < sizeof parts / sizeof *parts; part++) {
		text_printf(out, "%s%s:\n", part ? "\n" : "", parts[part].title);
		const struct term *term;
		if (parts[part].scopes == SCOPE_SELECTION)
			text_printf(out, "  %-20s %-13s %s\n", "count", "number",
				"tasks, processes or programs run that match");
		for (size_t i = 0; (term = term_at(i)); i++)
			if (term->scopes & parts[part].scopes)
				text_printf(out, "  %-20s %-13s %s\n", term->name, short_type(term->type),
					term->meaning);
	}
}
