/* The operators of constraints, for constraint.c and constraint_eval.c only. */
#ifndef CORE_CONSTRAINT_OP_H
#define CORE_CONSTRAINT_OP_H

#include "core/constraint.h"

enum constraint_op {
    CONSTRAINT_EQ,
    CONSTRAINT_NE,
    CONSTRAINT_IN,
    CONSTRAINT_GE,
    CONSTRAINT_LE,
    CONSTRAINT_HAS,
    CONSTRAINT_NEAR,
    CONSTRAINT_OPS,
};

bool constraint_op_find(struct proto_str name, enum constraint_op *out_op);
bool constraint_op_fits(enum constraint_op op, enum attribute_type type);

#endif
