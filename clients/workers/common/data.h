/*
 * Where a program finds the data that a provider edits: beside the program (a build folder), else in ../share/qiao (an installation).
 */
#ifndef QIAO_WORKERS_DATA_H
#define QIAO_WORKERS_DATA_H

/* The path of a data file of this name; it lives as long as the program. The installed place, where neither is there. */
const char *data_path(const char *name);

#endif
