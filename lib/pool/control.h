/**
 * control.h: what a region asks its control.
 */
#ifndef KIN_LIB_POOL_CONTROL_H
#define KIN_LIB_POOL_CONTROL_H

#include "pool/team.h"

/** How often a call looks that waits for what it is not woken for. */
#define CONTROL_LOOK_NS 10000000

/** 0: go on; -ECANCELED or -ETIMEDOUT. Costs two loads, and a look at the clock if there is a deadline. */
int control_state(struct kin_control *control);

/** Whether its deadline has passed, also where it was cancelled before. NULL: it has none. */
bool control_is_late(struct kin_control *control);

void control_add_total(struct kin_control *control, uint64_t items);
void control_add_done(struct kin_control *control, uint64_t items);

/** Call back if it is due, or always. In the calling thread; NULL: does nothing. */
void control_tell(struct kin_control *control, bool always);

/** How long a wait under this control may last before control_tell or control_state has to be asked; -1: for ever. */
int64_t control_patience(struct kin_control *control);

/** The same for waits that nobody wakes when a control is cancelled: now and then, if there is one. */
int64_t control_look(struct kin_control *control);

#endif
