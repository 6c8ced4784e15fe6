/**
 * format.h: numbers, words and colours as views show them. Private to the view's room.
 *
 * Nothing here asks the locale or the terminal: the same history and options give the same bytes anywhere.
 */
#ifndef KIN_TOOL_VIEW_FORMAT_H
#define KIN_TOOL_VIEW_FORMAT_H

#include "view/view.h"

/** What lines are drawn with: UTF-8, or ASCII where the locale is not. */
struct glyphs {
	const char *branch, *last, *pipe, *space; // each three columns
	const char *more; // text was cut here
	const char *times; // "1,998 ×"
	const char *became; // sh ⇒ env ⇒ true
	const char *deep; // levels of the tree that are not drawn
	const char *median, *total, *most; // marks of a number that stands for several tasks
	const char *micro;
	const char *dot;
};
const struct glyphs *glyphs_for(const struct view_options *options);

enum style {
	STYLE_PLAIN,
	STYLE_DIM,
	STYLE_BOLD,
	STYLE_WARN, // an exit status other than 0
	STYLE_BAD, // a signal, a core dump, the OOM killer, a failed call
	STYLE_INFO, // still running, let go
};

/** Append a string in a style; plain unless the options ask for colour. */
void add_styled(struct text *out, const struct view_options *options, enum style style, const char *string);
void add_styled_bytes(struct text *out, const struct view_options *options, enum style style,
	const char *bytes, size_t count);

void add_spaces(struct text *out, size_t count);

/** "1,234,567" */
void add_count(struct text *out, uint64_t count);

/** "850 ns", "12.3 us", "1.23 s", "2m05s", "3h07m": three figures and a unit. */
void add_duration(struct text *out, uint64_t ns, const struct glyphs *glyphs);

/** "812 KiB", "3.40 MiB" */
void add_size(struct text *out, uint64_t kib);

/** "1 thread", "1,998 threads": plurals in -s. */
void add_counted(struct text *out, uint64_t count, const char *noun);

/**
 * A word as a shell would need it: quoted where it has to be. Control characters and bytes that are not UTF-8 (in
 * ASCII views: all but ASCII) become escapes, so that a word never moves the cursor or breaks the line.
 */
void add_word(struct text *out, const char *word, const struct view_options *options);

/** The same without quotes, for names and paths inside a sentence. */
void add_name(struct text *out, const char *name, const struct view_options *options);

/** Cut a text to so many columns; what is cut is replaced by `more`. */
void cut_columns(struct text *text, size_t columns, const char *more);

/**
 * Take the next line off a paragraph: its length in bytes, without the spaces at its end. Lines end at spaces and
 * after "|", or where a word is longer than a line.
 */
size_t wrap_line(const char **paragraph, size_t columns);

/**
 * Append a paragraph, wrapped at spaces and after "|" to the options' width. Lines after the first begin with
 * `indent` spaces; `column` is where the first one already is.
 */
void add_wrapped(struct text *out, const struct view_options *options, size_t column, size_t indent,
	const char *paragraph);

#endif
