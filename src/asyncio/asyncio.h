// SPDX-License-Identifier: MIT
// The face of asyncio: one include for everything, in reading order.
#pragma once

#include "asyncio/exceptions.h"   // CancelledError, TimeoutError, ExceptionGroup and their family
#include "asyncio/durations.h"    // Duration, TimePoint
#include "asyncio/contextvars.h"  // ContextVar, Context
#include "asyncio/coroutines.h"   // Coro, outcome
#include "asyncio/generators.h"   // AsyncGenerator
#include "asyncio/futures.h"      // Future
#include "asyncio/tasks.h"        // Task, create_task
#include "asyncio/sleep.h"        // sleep, yield_now
#include "asyncio/gather.h"       // gather, gather_outcomes
#include "asyncio/wait.h"         // wait
#include "asyncio/as_completed.h" // as_completed
#include "asyncio/shield.h"       // shield, shielded
#include "asyncio/timeouts.h"     // timeout, timeout_at
#include "asyncio/wait_for.h"     // wait_for
#include "asyncio/taskgroups.h"   // TaskGroup, task_group
#include "asyncio/staggered.h"    // staggered_race
#include "asyncio/finally.h"      // finally_
#include "asyncio/locks.h"        // Lock, Event, Condition, Semaphore, BoundedSemaphore
#include "asyncio/barriers.h"     // Barrier
#include "asyncio/queues.h"       // Queue, LifoQueue, PriorityQueue
#include "asyncio/threads.h"      // to_thread, ThreadPoolExecutor, run_coroutine_threadsafe
#include "asyncio/events.h"       // EventLoop, handles
#include "asyncio/runners.h"      // run, Runner
#include "asyncio/graph.h"        // capture_call_graph, print_call_graph
