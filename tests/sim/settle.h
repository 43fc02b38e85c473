/*
 * The end of a world: faults stop, everybody does what they should, and everything must come to an end (L5).
 */
#ifndef SIM_SETTLE_H
#define SIM_SETTLE_H

#include "sim.h"

void settle_drain(struct sim *sim); /* until nothing is on its way */
void settle(struct sim *sim);

#endif
