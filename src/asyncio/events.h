// SPDX-License-Identifier: MIT
// EventLoop: runs ready callbacks and tasks in turns, and waits for time, descriptors and signals.
// Long: all that a loop can be asked for is one class, as in CPython.
#pragma once

#include "asyncio/inbox.h"
#include "asyncio/loop_options.h"
#include "asyncio/readiness.h"
#include "asyncio/reports.h"
#include "asyncio/tasks.h"

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace asyncio {

class AcceptedOptions;
class BaseProtocol;
class DatagramOptions;
class Port;
class SendfileOptions;
class StartTlsOptions;
class ThreadPoolExecutor;
class TlsContext;
class Transport;
class TransportRef;
namespace os {
struct AddrInfo;
class Address;
class Descriptor;
class Socket;
} // namespace os
namespace detail {
struct Watch;
struct LoopParts;
class GeneratorFrame;
class LoopInstruments;

} // namespace detail

/// Runs tasks and callbacks on one thread, in turns: poll, queue what became ready or due, run what
/// was queued when the run began.
///
/// Thread    the one that runs it, unless a line says otherwise.
/// Source    CPython 3.14 asyncio.EventLoop (SelectorEventLoop).
class EventLoop : private detail::LoopCore {
public:
    /// Throws    OSError: no descriptors. RuntimeError: 65,535 loops exist.
    explicit EventLoop(LoopOptions options = LoopOptions());
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;
    ~EventLoop(); // closes

    // ---- running -------------------------------------------------------------------------------

    /// Runs until stop() is called.
    /// Throws    RuntimeError: it is closed or running, or another loop runs on this thread.
    ///           KeyboardInterrupt, SystemExit: from a callback or task.
    void run_forever();
    /// Runs until `awaitable` is done. A coroutine becomes a task.
    /// Returns   its result.
    /// Throws    what it failed with. RuntimeError: stop() came first, or as run_forever.
    ///           ValueError: a future of another loop.
    template <class A>
        requires Awaitable<std::decay_t<A>>
    decltype(auto) run_until_complete(A&& awaitable);
    /// Leaves run_forever at the end of the present turn.
    void stop() noexcept;
    /// Forgets what is queued, reports pending tasks and takes them apart, frees all descriptors.
    /// Harmless twice.
    /// Throws    RuntimeError: it is running.
    void close();
    bool is_running() const noexcept;
    bool is_closed() const noexcept { return closed; }

    /// The loop's clock: monotonic; in a testing loop, virtual.
    TimePoint time() const { return TimePoint(std::chrono::nanoseconds(now_ns())); }

    // ---- callbacks -----------------------------------------------------------------------------

    /// Calls `f(args...)` in the next turn, first come, first served. Keeps f and the arguments.
    /// Throws    RuntimeError: the loop is closed; in debug mode also: wrong thread.
    template <Callback F>
    [[gnu::always_inline]] Handle
    call_soon(F&& f, std::source_location where = std::source_location::current()) {
        return queue_call(where, std::forward<F>(f));
    }
    template <class F, class... Args>
        requires(sizeof...(Args) > 0 && Callback<F, Args...>)
    [[gnu::always_inline]] Handle call_soon(F&& f, Args&&... args) {
        return queue_call({}, std::forward<F>(f), std::forward<Args>(args)...);
    }
    /// Calls `f(args...)` after `delay`, never inside this call. Equal deadlines keep their order.
    template <Callback F>
    TimerHandle call_later(Duration delay, F&& f,
                           std::source_location where = std::source_location::current()) {
        return arm_call(after(delay), where, std::forward<F>(f));
    }
    template <class F, class... Args>
        requires(sizeof...(Args) > 0 && Callback<F, Args...>)
    TimerHandle call_later(Duration delay, F&& f, Args&&... args) {
        return arm_call(after(delay), {}, std::forward<F>(f), std::forward<Args>(args)...);
    }
    template <Callback F>
    TimerHandle call_at(TimePoint when, F&& f,
                        std::source_location where = std::source_location::current()) {
        return arm_call(when, where, std::forward<F>(f));
    }
    template <class F, class... Args>
        requires(sizeof...(Args) > 0 && Callback<F, Args...>)
    TimerHandle call_at(TimePoint when, F&& f, Args&&... args) {
        return arm_call(when, {}, std::forward<F>(f), std::forward<Args>(args)...);
    }
    /// The same from any thread: wakes the loop if it sleeps.
    /// Thread    any.
    template <class F, class... Args>
        requires Callback<F, Args...>
    ThreadsafeHandle call_soon_threadsafe(F&& f, Args&&... args);

    // ---- futures and tasks ----------------------------------------------------------------------

    /// A pending future that belongs to this loop.
    template <class T = void>
    Future<T> create_future(std::source_location where = std::source_location::current()) {
        return Future<T>(*this, where);
    }
    /// As asyncio::create_task, on this loop.
    /// Throws    RuntimeError: it is closed (the awaitable is destroyed); in debug mode also: wrong
    ///           thread.
    template <class A>
        requires Awaitable<std::decay_t<A>>
    auto create_task(A&& awaitable, std::source_location where = std::source_location::current()) {
        check_call("create_task");
        return detail::start_task(core(), detail::as_coro(std::forward<A>(awaitable)), nullptr,
                                  where);
    }
    template <class A>
        requires Awaitable<std::decay_t<A>>
    auto create_task(A&& awaitable, const TaskOptions& options,
                     std::source_location where = std::source_location::current()) {
        return detail::start_task(core(), detail::as_coro(std::forward<A>(awaitable)), &options,
                                  where);
    }
    /// Every create_task of this loop goes through `factory`; null: the default again.
    void set_task_factory(TaskFactory factory);
    /// The factory, or null.
    const TaskFactory* get_task_factory() const noexcept;

    // ---- descriptors ----------------------------------------------------------------------------

    /// Calls `f(args...)` in every turn in which `fd` is readable. Replaces the one before.
    /// Throws    ValueError: a negative descriptor. OSError: EPERM for a regular file, EBADF.
    template <class F, class... Args>
        requires Callback<F, Args...>
    void add_reader(int fd, F&& f, Args&&... args);
    template <class F, class... Args>
        requires Callback<F, Args...>
    void add_writer(int fd, F&& f, Args&&... args);
    /// Returns   whether there was one. Call it before you close the descriptor.
    bool remove_reader(int fd) noexcept;
    bool remove_writer(int fd) noexcept;

    using Readiness = detail::Readiness;
    /// Waits until `fd` is readable (or hung up). One waiter or reader a descriptor and direction.
    /// Throws    RuntimeError: somebody else watches it. As add_reader.
    /// Cancel    stops watching; nothing was read.
    Readiness readable(int fd) noexcept { return Readiness(*this, fd, false); }
    /// Waits until `fd` is writable.
    /// Cancel    stops watching; nothing was written.
    Readiness writable(int fd) noexcept { return Readiness(*this, fd, true); }

    // ---- connections: connections.h, servers.h, unix_connections.h, pipes.h, datagrams.h --------

    /// `(factory, host, port, ConnectOptions)` or `(factory, ConnectOptions)`; see connections.h.
    template <class F, class... Args>
    auto create_connection(F&& factory, Args&&... args);
    /// See connections.h.
    template <class F>
    auto connect_accepted_socket(F&& factory, os::Socket socket);
    template <class F>
    auto connect_accepted_socket(F&& factory, os::Socket socket, AcceptedOptions options);
    /// `(factory, hosts, port, ServerOptions)` or `(factory, ServerOptions)`; see servers.h.
    template <class F, class... Args>
    auto create_server(F&& factory, Args&&... args);
    /// As create_connection and create_server, with `path` for host and port.
    template <class F, class... Args>
    auto create_unix_connection(F&& factory, Args&&... args);
    template <class F, class... Args>
    auto create_unix_server(F&& factory, Args&&... args);
    template <class F>
    auto connect_read_pipe(F&& factory, os::Descriptor pipe);
    template <class F>
    auto connect_write_pipe(F&& factory, os::Descriptor pipe);
    /// `(factory, program, args..., ProcessOptions)`; see base_subprocess.h.
    template <class F, class... Args>
    auto subprocess_exec(F&& factory, std::string program, Args&&... args);
    template <class F, class... Options>
    auto subprocess_shell(F&& factory, std::string command, Options&&... options);
    /// `(factory, DatagramOptions)`; see datagrams.h.
    template <class F>
    auto create_datagram_endpoint(F&& factory, DatagramOptions options);
    /// Puts TLS over a transport whose protocol is `protocol`, which is not told again that it is
    /// connected. Awaits the handshake; from then on only the new transport is to be used.
    ///
    /// context   an ssl::SSLContext
    /// Returns   the new transport.
    /// Throws    TypeError: no context, or a transport that TLS cannot be put over. ValueError: a
    ///           time that is not positive; a name that is needed and not given. What the handshake
    ///           failed with: then the connection is closed.
    /// Cancel    the connection is closed.
    /// Lifetime  `transport` is kept.
    /// Source    CPython 3.14 loop.start_tls.
    Coro<TransportRef> start_tls(Transport& transport, std::shared_ptr<BaseProtocol> protocol,
                                 std::shared_ptr<const TlsContext> context);
    Coro<TransportRef> start_tls(Transport& transport, std::shared_ptr<BaseProtocol> protocol,
                                 std::shared_ptr<const TlsContext> context,
                                 const StartTlsOptions& options);
    /// Sends a file over a transport, behind what was written before. See sendfile.h.
    /// Returns   how many bytes were sent.
    /// Cancel    a part is sent, and the file's position is behind it; the connection goes on.
    Coro<std::uint64_t> sendfile(Transport& transport, int file);
    Coro<std::uint64_t> sendfile(Transport& transport, int file, SendfileOptions options);

    // ---- names: resolver.h ----------------------------------------------------------------------

    /// Resolves a host and a service on a thread of the resolver's; a numeric address at once.
    ///
    /// family, type, proto, flags   as of getaddrinfo(3); 0: any
    /// Throws    GaiError: the name is not known, or the resolver failed. OSError.
    /// Cancel    the caller is free at once; what the resolver finds is dropped.
    Coro<std::vector<os::AddrInfo>> getaddrinfo(std::string host, Port port, int family = 0,
                                                int type = 0, int proto = 0, int flags = 0);
    /// The host's and the service's name of an address.
    /// Throws    GaiError, OSError.
    /// Cancel    as getaddrinfo.
    Coro<std::pair<std::string, std::string>> getnameinfo(os::Address address, int flags = 0);

    // ---- sockets: sock_calls.cpp ----------------------------------------------------------------

    // Of a socket that does not block; one reader and one writer at a time. All throw OSError, and
    // in debug mode ValueError for one that blocks. Lifetime: socket and buffer outlive the await.

    /// Up to `bytes` that have come; at least one. Empty: the peer has ended.
    /// Cancel    nothing is lost.
    Coro<std::string> sock_recv(const os::Socket& socket, std::size_t bytes);
    /// The same into a buffer. Returns   how many; 0: the peer has ended.
    /// Cancel    nothing is lost.
    Coro<std::size_t> sock_recv_into(const os::Socket& socket, std::span<std::byte> into);
    /// One datagram, cut off after `bytes`, and its sender.
    /// Cancel    nothing is lost.
    Coro<std::pair<std::string, os::Address>> sock_recvfrom(const os::Socket& socket,
                                                            std::size_t bytes);
    /// bytes     at most so many of the buffer; 0: all of it
    /// Throws    ValueError: the buffer is smaller than `bytes`; the datagram stays.
    /// Cancel    nothing is lost.
    Coro<std::pair<std::size_t, os::Address>>
    sock_recvfrom_into(const os::Socket& socket, std::span<std::byte> into, std::size_t bytes = 0);
    /// Sends all of it.
    /// Cancel    a part may be sent.
    Coro<> sock_sendall(const os::Socket& socket, std::string data);
    /// Sends a datagram. Returns   how much of it went.
    /// Cancel    it is not sent.
    Coro<std::size_t> sock_sendto(const os::Socket& socket, std::string data, os::Address to);
    /// Connects. By a name: to the first address of the socket's own family, type and protocol.
    /// Cancel    the attempt goes on in the kernel; it may be awaited anew.
    Coro<> sock_connect(const os::Socket& socket, os::Address to);
    Coro<> sock_connect(const os::Socket& socket, std::string host, Port port);
    /// The next connection of a listener, and who it is from.
    /// Cancel    no connection is taken.
    Coro<std::pair<os::Socket, os::Address>> sock_accept(const os::Socket& listener);
    /// Sends a file; see sendfile.h.
    /// Returns   how many bytes were sent.
    /// Cancel    a part is sent, and the file's position is behind it.
    Coro<std::uint64_t> sock_sendfile(const os::Socket& socket, int file);
    Coro<std::uint64_t> sock_sendfile(const os::Socket& socket, int file, SendfileOptions options);

    // ---- signals --------------------------------------------------------------------------------

    /// Calls `f(args...)` in the loop when signal `number` comes; one handler a signal.
    /// Throws    ValueError: no such signal. RuntimeError: it cannot be caught, or this is not the
    ///           main thread.
    template <class F, class... Args>
        requires Callback<F, Args...>
    void add_signal_handler(int number, F&& f, Args&&... args);
    /// Restores the default action.
    /// Returns   whether there was a handler.
    bool remove_signal_handler(int number);

    // ---- threads --------------------------------------------------------------------------------

    /// Runs `f(args...)` in `executor`, or in the default one if null. See threads.h.
    template <class F, class... Args>
    auto run_in_executor(ThreadPoolExecutor* executor, F&& f, Args&&... args);
    /// The same in an executor of another kind: one that has submit(f, args...).
    template <class Executor, class F, class... Args>
    auto run_in_executor(Executor* executor, F&& f, Args&&... args);
    void set_default_executor(std::shared_ptr<ThreadPoolExecutor> executor);
    /// The default executor; made at first use.
    ThreadPoolExecutor& default_executor();
    /// Waits for the default executor's work; after it no more is accepted.
    /// timeout   after it, a warning is logged and the rest is left to itself
    /// Cancel    the executor goes on ending in the background.
    Coro<void> shutdown_default_executor(std::optional<Duration> timeout = std::nullopt);
    /// Closes all asynchronous generators that were started and not finished.
    /// Cancel    those not closed yet stay open.
    Coro<void> shutdown_asyncgens();

    // ---- errors ---------------------------------------------------------------------------------

    /// `f(EventLoop&, const ExceptionContext&)` instead of the default; null: the default again.
    void set_exception_handler(ExceptionHandler handler);
    /// The handler that was set, or null.
    const ExceptionHandler* get_exception_handler() const noexcept;
    /// Logs the message, every other part of the context, then the exception.
    void default_exception_handler(const ExceptionContext& context);
    void call_exception_handler(const ExceptionContext& context);

    // ---- debug mode -----------------------------------------------------------------------------

    /// Slow callbacks, wrong threads and coroutines that nobody awaited are told of, and where
    /// tasks were created.
    bool get_debug() const noexcept { return debug; }
    void set_debug(bool on) noexcept;
    /// In debug mode a callback or step that takes at least this long is logged; 100 ms.
    Duration slow_callback_duration() const noexcept { return slow_callback_; }
    void slow_callback_duration(Duration time) noexcept { slow_callback_ = time; }

    /// How many timers are armed: sleeps, timeouts, call_later.
    std::size_t timer_count() const noexcept { return timers.size(); }
    /// How many turns it has run.
    std::uint64_t turn_count() const noexcept { return turns_; }
    const char* backend_name() const noexcept;

    // ---- the library's own use ------------------------------------------------------------------

    // What only rooms of this package call.
    detail::LoopCore& core() noexcept { return *this; }
    detail::LoopParts& parts() noexcept { return *parts_; }
    static EventLoop& of(detail::LoopCore& core) noexcept { return static_cast<EventLoop&>(core); }
    bool put_in_inbox(detail::Hop* node) noexcept; // any thread; false: the loop is closed
    void nudge() noexcept; // any thread: the poll is to look again
    void run_posted(detail::CallbackNode* node); // takes over a count
    void set_instruments(detail::LoopInstruments* instruments) noexcept; // null: none
    void note_signal() noexcept; // signal handlers too
    void orphan() noexcept; // in a forked child
    void polls_changed() noexcept; // the first descriptor is watched, or the last one no more
    void shuffle(std::vector<detail::FutureState*>& order) noexcept; // what has no promised order

private:
    friend struct detail::LoopCore;

    void run_once();
    void run_plain_turns();
    std::int64_t poll_timeout() const;
    void poll(std::int64_t timeout_ns);
    void trim_before_sleep(std::int64_t timeout_ns);
    void take_inbox();
    bool take_posts() noexcept;
    void close_inbox() noexcept;
    void queue_due_timers();
    void run_ready();
    void run_ready_instrumented();
    void run_callback(detail::CallbackNode* node);
    void callback_failed(detail::CallbackNode* node);
    void handle_by_default(const ExceptionContext& context, const char* failed_too);
    void timed(detail::ReadyNode* node, detail::ReadyKind kind);
    void enter_running();
    void leave_running() noexcept;
    void check_call(const char* what) const {
        if (careful) [[unlikely]]
            check_call_slow(what);
    }
    TimePoint after(Duration delay) const {
        return TimePoint(std::chrono::nanoseconds(detail::deadline_after(now_ns(), delay)));
    }
    template <class F, class... Args>
    Handle queue_call(std::source_location where, F&& f, Args&&... args);
    template <class F, class... Args>
    TimerHandle arm_call(TimePoint when, std::source_location where, F&& f, Args&&... args);
    void check_call_slow(const char* what) const;
    void check_open() const;
    void run_until_done(detail::FutureState* future, bool own_task);
    void arm(detail::TimerCallback* timer);
    void set_watch(int fd, bool write, detail::CallbackNode* node);
    detail::CallbackNode* clear_watch(int fd, bool write) noexcept;
    void handle_event(const os::ReadyEvent& event);
    void rebuild_backend();
    void destroy_pending_tasks() noexcept;
    ThreadsafeHandle post(detail::ThreadsafeNode* node);
    detail::ThreadsafeNode* make_threadsafe(detail::CallbackNode* inner);
    void set_signal_handler(int number, detail::CallbackNode* node);

    std::atomic<std::uintptr_t> inbox_{
        0}; // nodes from other threads, newest first; bit 0: a signal
    std::atomic<bool> sleeping_{false}; // may be in poll: whoever posts must wake it
    std::atomic<int> posting_{0}; // threads inside put_in_inbox: close() waits for them
    Backend* backend_;
    std::uint64_t turns_ = 0;
    Duration slow_callback_ = std::chrono::milliseconds(100);
    std::unique_ptr<detail::LoopParts> parts_; // what is rarely touched
};

/// The loop that runs on this thread.
/// Throws    RuntimeError: none runs.
EventLoop& get_running_loop();
EventLoop* running_loop_or_null() noexcept;
/// The running loop, else the one set for this thread.
/// Throws    RuntimeError: there is none. It never makes one.
EventLoop& get_event_loop();
/// Sets this thread's current loop; null: none. LIFETIME: the caller owns it.
void set_event_loop(EventLoop* loop) noexcept;
std::unique_ptr<EventLoop> new_event_loop(LoopOptions options = LoopOptions());

// ---- templates ---------------------------------------------------------------------------------

template <class F, class... Args>
[[gnu::always_inline]] inline Handle
EventLoop::queue_call([[maybe_unused]] std::source_location where, F&& f, Args&&... args) {
    if (careful) [[unlikely]]
        check_call_slow("call_soon");
    auto* node = detail::make_loop_callback<detail::CallbackNode>(
        std::tuple(index, std::uint32_t{2}), std::forward<F>(f), std::forward<Args>(args)...);
    if (careful) [[unlikely]]
        detail::note_origin(node, where);
    detail::queue_callback(*this, node); // has the second count
    return Handle(node);
}

template <class F, class... Args>
TimerHandle EventLoop::arm_call(TimePoint when, std::source_location where, F&& f, Args&&... args) {
    if (careful) [[unlikely]]
        check_call_slow("call_at");
    auto* node = detail::make_loop_callback<detail::TimerCallback>(
        std::tuple(index, when.time_since_epoch().count()), std::forward<F>(f),
        std::forward<Args>(args)...);
    if (careful) [[unlikely]]
        detail::note_origin(node, where);
    TimerHandle handle(node);
    arm(node);
    return handle;
}

template <class F, class... Args>
    requires Callback<F, Args...>
ThreadsafeHandle EventLoop::call_soon_threadsafe(F&& f, Args&&... args) {
    return post(make_threadsafe(detail::make_loop_callback<detail::CallbackNode>(
        std::tuple(index), std::forward<F>(f), std::forward<Args>(args)...)));
}

template <class F, class... Args>
    requires Callback<F, Args...>
void EventLoop::add_reader(int fd, F&& f, Args&&... args) {
    check_open();
    set_watch(fd, false,
              detail::make_loop_callback<detail::CallbackNode>(
                  std::tuple(index), std::forward<F>(f), std::forward<Args>(args)...));
}

template <class F, class... Args>
    requires Callback<F, Args...>
void EventLoop::add_writer(int fd, F&& f, Args&&... args) {
    check_open();
    set_watch(fd, true,
              detail::make_loop_callback<detail::CallbackNode>(
                  std::tuple(index), std::forward<F>(f), std::forward<Args>(args)...));
}

template <class F, class... Args>
    requires Callback<F, Args...>
void EventLoop::add_signal_handler(int number, F&& f, Args&&... args) {
    check_open();
    set_signal_handler(number,
                       detail::make_loop_callback<detail::CallbackNode>(
                           std::tuple(index), std::forward<F>(f), std::forward<Args>(args)...));
}

template <class A>
    requires Awaitable<std::decay_t<A>>
decltype(auto) EventLoop::run_until_complete(A&& awaitable) {
    check_open();
    if (is_running() || running_loop_or_null() != nullptr) {
        // Before the awaitable is touched: who catches this can still await it.
        enter_running(); // throws
    }
    constexpr bool own = !detail::is_future_handle<std::decay_t<A>>;
    if constexpr (!own) detail::check_same_loop(awaitable.state(), this);
    auto future = detail::to_future(std::forward<A>(awaitable), core());
    run_until_done(future.state(), own);
    using Future = decltype(future);
    if constexpr (std::is_same_v<Future, AnyFuture> || std::is_same_v<Future, AnyTask>) {
        detail::rethrow_failure(future.state());
    } else {
        using T = typename Future::value_type;
        if constexpr (std::is_void_v<T> || std::is_reference_v<T>) {
            return future.result();
        } else if constexpr (own) {
            return T(std::move(const_cast<T&>(future.result())));
        } else {
            return T(future.result());
        }
    }
}

} // namespace asyncio
