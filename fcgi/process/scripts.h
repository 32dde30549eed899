/* scripts.h: all Redis scripts of the pipeline, for redis_open(). */
#ifndef SCRIPTS_H
#define SCRIPTS_H

#include "pipeline/admit.h"
#include "pipeline/settle.h"
#include "pipeline/token.h"

static struct redis_script *const all_scripts[] = {
    &token_script, &admit_script, &settle_script};

#define all_nscripts (sizeof(all_scripts) / sizeof(all_scripts[0]))

#endif
