// SPDX-License-Identifier: MIT
// The face of logging: one include for everything.
#pragma once

#include "logging/config.h"     // basic_config, shutdown, capture_asyncio
#include "logging/context.h"    // ContextScope
#include "logging/formatters.h" // Formatter, PatternFormatter, JsonFormatter
#include "logging/handlers.h"   // StreamHandler, FileHandler, RotatingFileHandler, ...
#include "logging/levels.h"     // DEBUG, INFO, WARNING, ERROR, CRITICAL
#include "logging/loggers.h"    // get_logger, Logger
#include "logging/queues.h"     // QueueHandler, QueueListener
