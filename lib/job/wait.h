/**
 * wait.h: those who wait for any of several jobs, of any pools.
 */
#ifndef KIN_LIB_JOB_WAIT_H
#define KIN_LIB_JOB_WAIT_H

/** A job has ended. */
void wait_tell_any(void);

#endif
