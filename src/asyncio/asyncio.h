// SPDX-License-Identifier: MIT
// The face of asyncio: one include for everything, in reading order.
#pragma once

#include "asyncio/as_completed.h" // as_completed
#include "asyncio/barriers.h"     // Barrier
#include "asyncio/connections.h"  // create_connection, ConnectOptions
#include "asyncio/contextvars.h"  // ContextVar, Context
#include "asyncio/coroutines.h"   // Coro, outcome
#include "asyncio/durations.h"    // Duration, TimePoint
#include "asyncio/events.h"       // EventLoop, handles
#include "asyncio/exceptions.h"   // CancelledError, TimeoutError, ExceptionGroup and their family
#include "asyncio/finally.h"      // finally_
#include "asyncio/futures.h"      // Future
#include "asyncio/gather.h"       // gather, gather_outcomes
#include "asyncio/generators.h"   // AsyncGenerator
#include "asyncio/graph.h"        // capture_call_graph, print_call_graph
#include "asyncio/locks.h"        // Lock, Event, Condition, Semaphore, BoundedSemaphore
#include "asyncio/protocols.h"    // Protocol, BufferedProtocol
#include "asyncio/queues.h"       // Queue, LifoQueue, PriorityQueue
#include "asyncio/runners.h"      // run, Runner
#include "asyncio/sendfile.h"     // SendfileOptions
#include "asyncio/servers.h"      // Server, create_server, ServerOptions
#include "asyncio/shield.h"       // shield, shielded
#include "asyncio/sleep.h"        // sleep, yield_now
#include "asyncio/staggered.h"    // staggered_race
#include "asyncio/streams.h"      // open_connection, start_server, StreamReader, StreamWriter
#include "asyncio/taskgroups.h"   // TaskGroup, task_group
#include "asyncio/tasks.h"        // Task, create_task
#include "asyncio/threads.h"      // to_thread, ThreadPoolExecutor, run_coroutine_threadsafe
#include "asyncio/timeouts.h"     // timeout, timeout_at
#include "asyncio/transports.h"   // Transport
#include "asyncio/wait.h"         // wait
#include "asyncio/wait_for.h"     // wait_for
