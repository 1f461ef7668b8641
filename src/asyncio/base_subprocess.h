// SPDX-License-Identifier: MIT
// Child processes below streams: SubprocessProtocol, SubprocessTransport, loop.subprocess_exec.
#pragma once

#include "asyncio/channels.h"
#include "asyncio/contextvars.h"
#include "asyncio/events.h"
#include "asyncio/process_options.h"
#include "asyncio/transports.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace asyncio {

class SubprocessTransport;

/// What a program does with the events of a child process. All calls come from the loop, one at a
/// time, and must not block.
///
/// connection_made once; then for each of its pipes pipe_data_received, and pipe_connection_lost
/// once; process_exited once, before, between or after them; then connection_lost once.
///
/// Lifetime  a factory makes it as a std::shared_ptr; its transport keeps it until connection_lost
///           has returned.
/// Source    CPython 3.14 asyncio.SubprocessProtocol.  Differs: it is no BaseProtocol, for it is
///           given a SubprocessTransport.
class SubprocessProtocol {
public:
    SubprocessProtocol() = default;
    SubprocessProtocol(const SubprocessProtocol&) = delete;
    SubprocessProtocol& operator=(const SubprocessProtocol&) = delete;
    virtual ~SubprocessProtocol() = default;

    /// The process runs, its pipes are connected.
    /// transport   valid until connection_lost has returned; a SubprocessRef keeps it longer.
    virtual void connection_made([[maybe_unused]] SubprocessTransport& transport) {}
    /// It has written to its output (1) or its error output (2). An exception from here is reported
    /// and ends this pipe.
    /// Lifetime  `data` is gone when this returns.
    virtual void pipe_data_received([[maybe_unused]] int fd,
                                    [[maybe_unused]] std::string_view data) {}
    /// A pipe is closed: by us, or at the other end by whoever had it.
    /// error     what it failed with; null: it did not.
    virtual void
    pipe_connection_lost([[maybe_unused]] int fd,
                         // NOLINTNEXTLINE(performance-unnecessary-value-param): as below
                         [[maybe_unused]] std::exception_ptr error) {}
    /// It has ended: see SubprocessTransport::get_returncode().
    virtual void process_exited() {}
    /// It has ended, and all pipes are closed.
    /// error     null
    // NOLINTNEXTLINE(performance-unnecessary-value-param): who overrides it may keep it
    virtual void connection_lost([[maybe_unused]] std::exception_ptr error) {}
    /// Its input's pipe holds more unsent bytes than its high-water mark; see BaseProtocol.
    virtual void pause_writing() {}
    virtual void resume_writing() {}
};

namespace extra {
// The pidfd of a process; -1: it has ended.
inline constexpr ExtraInfo<int> subprocess{"subprocess"};
} // namespace extra

/// Keeps the object of a process's transport. Copies show the same one; it may be empty.
///
/// Thread    the loop's own: its count is plain.
using SubprocessRef = base::Counted<SubprocessTransport>;

namespace detail {

/// Waits until a process has ended.
class [[nodiscard]] ExitAwaiter final : public LinkedWaiter {
public:
    explicit ExitAwaiter(SubprocessRef process) noexcept : process_(std::move(process)) {}
    ExitAwaiter(const ExitAwaiter&) = delete;
    ExitAwaiter& operator=(const ExitAwaiter&) = delete;
    ~ExitAwaiter() { abandon(); } // its task may be taken apart

    bool await_ready() const noexcept;
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame,
                       std::source_location where = std::source_location::current()) noexcept {
        static_assert(is_frame<Promise>, "co_await this in an asyncio coroutine");
        wait(suspend_task(this, frame.promise(), where));
    }
    int await_resume() const;

    void fired() noexcept override { wake(task); }
    void abandon() noexcept override;
    const char* label() const noexcept override { return "Process.wait"; }

private:
    void wait(FutureState* waiting) noexcept;

    SubprocessRef process_;
};

/// The operation `process.wait()`.
class [[nodiscard("co_await it")]] WaitForExit {
public:
    explicit WaitForExit(SubprocessRef process) noexcept : process_(std::move(process)) {}
    ExitAwaiter operator co_await() const noexcept { return ExitAwaiter(process_); }

private:
    SubprocessRef process_;
};

class PipeProtocol;
struct CommandLine;

} // namespace detail

/// A child process, as its protocol sees it. Nothing here waits, but wait().
///
/// The loop owns it until connection_lost() was called; a SubprocessRef keeps the object longer. A
/// process that still runs when the loop closes is killed. Its exit is told by a pidfd: no thread
/// and no handler of SIGCHLD is needed, and any loop on any thread may have children.
///
/// Thread    the loop's own.
/// Source    CPython 3.14 asyncio.SubprocessTransport, base_subprocess.BaseSubprocessTransport.
///           Differs: signals are sent through the pidfd, so that they cannot reach another process
///           that has got the same number.
class SubprocessTransport : detail::Hop, detail::Channel {
public:
    SubprocessTransport(const SubprocessTransport&) = delete;
    SubprocessTransport& operator=(const SubprocessTransport&) = delete;

    /// Its number, also when it has ended.
    pid_t get_pid() const noexcept { return pid_; }
    /// How it has ended: its exit code; -n if signal n has killed it; nothing while it runs. 255
    /// with a warning if somebody else has reaped it.
    std::optional<int> get_returncode() const noexcept { return returncode_; }
    /// The transport of its input (0), output (1), error output (2).
    /// Returns   null if that is no pipe.
    /// Lifetime  as long as this; a TransportRef keeps it longer.
    Transport* get_pipe_transport(int fd) const noexcept;

    /// Throws    ProcessLookupError: it has ended. PermissionError: it runs as somebody else.
    ///           OSError: no such signal.
    void send_signal(int number) const;
    void terminate() const; // by SIGTERM
    void kill() const; // by SIGKILL

    /// Closes the pipes, and kills the process if it still runs. Harmless twice.
    void close();
    bool is_closing() const noexcept { return closed_; }
    void set_protocol(std::shared_ptr<SubprocessProtocol> protocol);
    /// Null after connection_lost.
    const std::shared_ptr<SubprocessProtocol>& get_protocol() const noexcept { return protocol_; }
    /// A fact about the process; nothing if it is not known.
    std::optional<int> get_extra_info(ExtraInfo<int> key) const;

    /// Waits until it has ended, whoever still holds its pipes.
    /// Returns   as get_returncode().
    /// Cancel    the process goes on; it can be waited for again.
    detail::WaitForExit wait() { return detail::WaitForExit(SubprocessRef(this)); }

    /// For reports: "<SubprocessTransport pid=42 running stdin=<...>>".
    std::string text() const;

    // The library's own use: see SubprocessRef, loop.subprocess_exec.
    void add_ref() noexcept { ++refs_; }
    void release() noexcept {
        if (--refs_ == 0) delete this;
    }
    /// Starts a process, and tells `protocol` of it from the next turn on.
    /// Throws    OSError, std::bad_alloc; no process is left then, and the protocol is not told.
    static SubprocessRef start(EventLoop& loop, std::shared_ptr<SubprocessProtocol> protocol,
                               os::SpawnRequest request, const detail::CommandLine& command);
    /// Told when connection_made() has been called.
    void tell_when_made(const Future<>& waiter) { made_waiter_ = detail::StateRef(waiter.state()); }

private:
    friend class detail::PipeProtocol;
    friend class detail::ExitAwaiter;

    SubprocessTransport(EventLoop& loop, std::shared_ptr<SubprocessProtocol> protocol);
    ~SubprocessTransport() = default;

    EventLoop& loop() const noexcept;
    void begin(os::SpawnRequest request, const detail::CommandLine& command);
    void connect_pipe(int fd, os::Descriptor end);
    void undo_begin() noexcept;
    void make_connection();
    void lose_connection();
    void queue_call();
    void pipe_data_received(int fd, std::string_view data);
    void pipe_connection_lost(int fd, const std::exception_ptr& error);
    void on_exit_event();
    void exited(os::ExitStatus status);
    void end_if_over();
    void end_process_now() noexcept;
    void stop_watching() noexcept;
    void let_go() noexcept;
    template <class F>
    void call_protocol(F call);
    template <class F>
    void tell(const char* function, F call);
    void report(const char* function, const std::exception_ptr& error) const noexcept;

    static const detail::Channel::Ops channel_ops;

    std::uint32_t refs_ = 1; // the loop's, until it lets go
    std::uint16_t loop_index_;
    bool closed_ = false;
    bool made_ = false; // connection_made() was called
    bool over_ = false; // connection_lost() is to come
    bool gone_ = false; // the loop has let go
    bool call_queued_ = false; // this, as a hop
    std::uint8_t open_pipes_ = 0;
    pid_t pid_ = 0;
    std::optional<int> returncode_;
    os::ChildProcess child_; // until it has ended
    std::array<TransportRef, 3> pipes_;
    std::shared_ptr<SubprocessProtocol> protocol_;
    detail::WaiterList exit_waiters_;
    detail::StateRef made_waiter_;
    detail::ContextSlot context_;
};

/// As text().
inline std::string to_string(const SubprocessTransport& transport) { return transport.text(); }

/// What a started process is made of.
template <class P>
struct StartedProcess {
    SubprocessRef transport;
    std::shared_ptr<P> protocol;
};

namespace detail {

/// Gives the protocol of a process.
using SubprocessFactory = base::Function<std::shared_ptr<SubprocessProtocol>()>;

template <class F>
concept MakesSubprocessProtocol =
    std::is_invocable_v<F&> &&
    std::is_convertible_v<std::invoke_result_t<F&>, std::shared_ptr<SubprocessProtocol>>;

/// The words of a command line, and behind them the options.
struct CommandLine {
    explicit CommandLine(Redirection unsaid_streams) noexcept : otherwise(unsaid_streams) {}
    void add(std::string word) { words.push_back(std::move(word)); }
    void add(ProcessOptions its_options) { options = std::move(its_options); }

    std::vector<std::string> words;
    ProcessOptions options;
    Redirection otherwise; // where a stream leads that the options do not name
};

template <class... Words>
CommandLine command_line(Redirection unsaid_streams, Words&&... words) {
    CommandLine line(unsaid_streams);
    (line.add(std::forward<Words>(words)), ...);
    return line;
}
/// The words that have a shell run a command.
CommandLine shell_line(Redirection unsaid_streams, std::string command, ProcessOptions options);

/// Starts a process.
/// Cancel    the process is killed, and waited for; its pipes are closed.
Coro<StartedProcess<SubprocessProtocol>> start_process(EventLoop* loop, SubprocessFactory factory,
                                                       CommandLine command);
template <class P>
Coro<StartedProcess<P>> with_protocol(Coro<StartedProcess<SubprocessProtocol>> starting) {
    StartedProcess<SubprocessProtocol> made = co_await std::move(starting);
    co_return StartedProcess<P>{std::move(made.transport),
                                std::static_pointer_cast<P>(std::move(made.protocol))};
}

template <class F>
auto start_process_of(EventLoop* loop, F&& factory, CommandLine command) {
    static_assert(MakesSubprocessProtocol<std::decay_t<F>>,
                  "the factory is called as factory() and gives a std::shared_ptr to a protocol");
    using P = typename std::invoke_result_t<std::decay_t<F>&>::element_type;
    return with_protocol<P>(
        start_process(loop, SubprocessFactory(std::forward<F>(factory)), std::move(command)));
}

} // namespace detail

/// Starts `program` with `args...`, and makes a protocol by `factory()` for it.
///
///     auto made = co_await loop.subprocess_exec([] { return std::make_shared<Watcher>(); },
///                                               "ls", "-l", asyncio::ProcessOptions().cwd("/"));
///
/// The last argument may be a ProcessOptions; its input, output and error output are pipes unless
/// it says otherwise. connection_made() has been called when this returns.
///
/// Returns   transport and protocol.
/// Throws    OSError: it cannot be started; the program, or its working folder, is named.
///           ValueError: a NUL in a text, and what ProcessOptions::request() says. KeyError: no
///           such user or group. What the factory throws.
/// Cancel    the process is killed, and waited for; its pipes are closed.
/// Cost      the loop's thread stands still until the program has begun: half a millisecond.
/// Source    CPython 3.14 loop.subprocess_exec.
template <class F, class... Args>
auto EventLoop::subprocess_exec(F&& factory, std::string program, Args&&... args) {
    return detail::start_process_of(
        this, std::forward<F>(factory),
        detail::command_line(subprocess::PIPE, std::move(program), std::forward<Args>(args)...));
}

/// The same of a shell's command, which /bin/sh takes apart: what it is made of must be trusted.
/// Cancel    the shell is killed, but not what it has started.
/// Source    CPython 3.14 loop.subprocess_shell.
template <class F, class... Options>
auto EventLoop::subprocess_shell(F&& factory, std::string command, Options&&... options) {
    static_assert(sizeof...(Options) < 2 &&
                      (std::is_same_v<std::decay_t<Options>, ProcessOptions> && ...),
                  "a shell is given one command, and a ProcessOptions");
    return detail::start_process_of(
        this, std::forward<F>(factory),
        detail::shell_line(subprocess::PIPE, std::move(command),
                           ProcessOptions(std::forward<Options>(options)...)));
}

} // namespace asyncio
