/**
 * kin/error.h: what went wrong, for a program and for a person.
 *
 * Functions of libkin return 0, or a negative errno value. That is enough to decide what to do; it does not say
 * which of several steps failed, nor with what. Functions that take several steps therefore take a struct kin_error
 * as their last argument, which the caller owns and which can be NULL:
 *
 *	struct kin_error error = { 0 };
 *	int ret = open_both("a.txt", "b.txt", &error);
 *	if (ret < 0) {
 *		char line[KIN_ERROR_LINE];
 *		kin_error_format(&error, line, sizeof line);
 *		fprintf(stderr, "example: %s\n", line);     // example: open b.txt: Permission denied
 *	}
 *
 * Nothing is kept in thread-local or global variables. An error may be filled in one thread and read in another,
 * and it may lie in memory that processes share after fork.
 *
 * Stability: libkin 0.x; functions may change between minor versions, which change the library's soname.
 */
#ifndef KIN_ERROR_H
#define KIN_ERROR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes that hold every line kin_error_format makes, with its NUL. */
#define KIN_ERROR_LINE 320

/**
 * A failure. Zero bytes are "no error", and there is nothing to finish: it owns no memory.
 * Functions that succeed leave it untouched; those that fail fill all of it.
 */
struct kin_error {
	int code; /* errno value, positive; 0: no error */
	char step[28]; /* the step that failed: "open", "clone3"; empty: none named */
	char text[224]; /* with what, or why: "b.txt"; empty: nothing to add */
};

/**
 * Fill an error, and return what the failing function should return.
 *
 * @param error   filled whole; NULL is welcome, then only the return value is made
 * @param code    errno value, positive; 0 is taken as EINVAL, so that a failure is never reported as success
 * @param step    the failing step, a word or two, cut to 27 bytes; NULL: none named
 * @param format  printf format of the text, cut to 223 bytes; NULL: no text
 * @return        -code
 *
 * errno is left as it was. Thread-safe as long as no other thread uses *error; not for signal handlers (it formats).
 * Since 0.1.
 */
int kin_error_set(struct kin_error *error, int code, const char *step, const char *format, ...)
#ifdef __GNUC__
	__attribute__((format(printf, 4, 5)))
#endif
	;

/**
 * Write an error as one line for a person, "STEP TEXT: what the code means", without a newline. What the error does
 * not have is left out; control characters in its text become '?', so that it stays one line.
 *
 * @param error   read only; NULL and an error with code 0 give "no error"
 * @param buffer  receives the line, always NUL-terminated unless size is 0; can be NULL if size is 0
 * @param size    bytes in buffer; KIN_ERROR_LINE is enough for every error
 * @return        length of the whole line, also where the buffer was too small to hold it, as snprintf does
 *
 * The words for the code are the C library's, in English. Thread-safe; not for signal handlers. Since 0.1.
 */
size_t kin_error_format(const struct kin_error *error, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif

#endif
