/**
 * signals.h: what kin does with its own signals while a program runs.
 *
 * The program's terminal signals reach it by themselves, as it is in kin's process group. A signal for kin alone is
 * passed on to the program: one that somebody sent (kill, timeout), the end of the terminal that kin leads, an
 * alarm set before kin was exec'd. Once the program has ended and only what it left behind is still followed,
 * SIGINT, SIGTERM, SIGHUP and SIGQUIT ask kin to stop following, but for those that were ignored when kin began
 * (nohup).
 *
 * SIGTSTP is kept from stopping kin, which stops itself once its program has stopped (see signals_stop_self).
 * SIGPIPE and SIGXFSZ are ignored: a failed write of kin's is no reason to leave the program alone.
 */
#ifndef KIN_TOOL_RECORD_SIGNALS_H
#define KIN_TOOL_RECORD_SIGNALS_H

#include "record/start.h"

/** Take the signals over; what they were is kept in inherited. Returns 0 or a negative errno value. */
int signals_take_over(struct inherited *inherited);

/** Restore mask and dispositions in the child before its exec. Async-signal-safe. */
void signals_give_back(const struct inherited *inherited);

/** The same in kin at the end, but that SIGPIPE and SIGXFSZ stay ignored: the report is still to be written. */
void signals_release(const struct inherited *inherited);

/** Signals sent to kin go on to this process; 0: there is none any more, they ask to stop following. */
void signals_pass_on_to(pid_t pid);

/** True once a signal has asked to stop following. It then interrupts system calls again and again until seen. */
bool signals_stop_asked(void);

/** Stop kin as the terminal stopped its program, so that the shell that started both notices. Returns on SIGCONT. */
void signals_stop_self(void);

#endif
