/*
 * libqiao, the client library of Qiao, a durable service-request broker.
 *
 * Read in this order: types.h (results, words), context.h (which broker, as whom), client.h (connection and events),
 * then the side that you need: requester.h, performer.h, operator.h; map.h for inputs and outputs.
 */
#ifndef QIAO_H
#define QIAO_H

#include <qiao/types.h>
#include <qiao/map.h>
#include <qiao/context.h>
#include <qiao/client.h>
#include <qiao/requester.h>
#include <qiao/performer.h>
#include <qiao/operator.h>

#endif
