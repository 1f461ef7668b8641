// SPDX-License-Identifier: MIT
// The face of asyncio: one include for everything, in reading order.
#pragma once

// Coroutines, and what runs them.
#include "asyncio/coroutines.h" // Coro, outcome
#include "asyncio/runners.h"    // run, Runner

#include "asyncio/sleep.h" // sleep, yield_now
#include "asyncio/tasks.h" // Task, create_task

// Several at once; for so long and no longer.
#include "asyncio/as_completed.h" // as_completed
#include "asyncio/gather.h"       // gather, gather_outcomes
#include "asyncio/staggered.h"    // staggered_race
#include "asyncio/taskgroups.h"   // TaskGroup, task_group
#include "asyncio/wait.h"         // wait

#include "asyncio/finally.h"  // finally_
#include "asyncio/shield.h"   // shield, shielded
#include "asyncio/timeouts.h" // timeout, timeout_at
#include "asyncio/wait_for.h" // wait_for

// Tasks that share something, or hand it on.
#include "asyncio/barriers.h"   // Barrier
#include "asyncio/generators.h" // AsyncGenerator
#include "asyncio/locks.h"      // Lock, Event, Condition, Semaphore, BoundedSemaphore
#include "asyncio/queues.h"     // Queue, LifoQueue, PriorityQueue

// Connections: by streams, or by protocols over transports.
#include "asyncio/connections.h" // create_connection, ConnectOptions
#include "asyncio/datagram_sockets.h" // open_datagram_socket, DatagramSocket
#include "asyncio/datagrams.h" // create_datagram_endpoint, DatagramOptions
#include "asyncio/pipes.h" // connect_read_pipe, connect_write_pipe
#include "asyncio/protocols.h"   // Protocol, BufferedProtocol, DatagramProtocol
#include "asyncio/sendfile.h"    // SendfileOptions
#include "asyncio/servers.h"     // Server, create_server, ServerOptions
#include "asyncio/streams.h"     // open_connection, start_server, StreamReader, StreamWriter
#include "asyncio/transports.h"  // Transport
#include "asyncio/unix_connections.h" // open_unix_connection, start_unix_server

// Processes.
#include "asyncio/base_subprocess.h" // subprocess_exec, SubprocessProtocol, SubprocessTransport
#include "asyncio/process_options.h" // ProcessOptions, subprocess::PIPE
#include "asyncio/subprocess.h"      // create_subprocess_exec, create_subprocess_shell, Process

// Signals.
#include "asyncio/signal_streams.h" // SignalStream

// Threads.
#include "asyncio/concurrent_wait.h" // concurrent::wait, concurrent::as_completed
#include "asyncio/threads.h"         // to_thread, ThreadPoolExecutor, run_coroutine_threadsafe
#include "asyncio/workers.h"         // run_workers

// Below all of these.
#include "asyncio/contextvars.h" // ContextVar, Context
#include "asyncio/durations.h"   // Duration, TimePoint
#include "asyncio/events.h"      // EventLoop, handles
#include "asyncio/exceptions.h"  // CancelledError, TimeoutError, ExceptionGroup and their family
#include "asyncio/futures.h"     // Future
#include "asyncio/graph.h"       // capture_call_graph, print_call_graph
#include "asyncio/inspection.h"  // Inspection, for asyncio-ps and asyncio-pstree
