/* cmocka and what it wants before it. */
#ifndef QIAO_CLI_CMOCKA_ALL_H
#define QIAO_CLI_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#endif
