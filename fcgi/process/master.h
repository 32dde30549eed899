/* master.h: the master process: starts the workers, replaces them, stops them.
 * It opens no connection and reads no request. */
#ifndef MASTER_H
#define MASTER_H

#include "base/config.h"

/* Runs until it is told to stop, closes listen_fd (listen.h) and returns the
 * exit status.
 *   TERM, INT   stop: requests under way are answered; a second one: at once
 *   HUP         replace the workers, one by one; each new one accepts before
 *               its old one stops, so no request is refused */
int master_run(const struct config *cfg, int listen_fd);

#endif
