// SPDX-License-Identifier: MIT
// Child processes: create_subprocess_exec, create_subprocess_shell, Process.
#pragma once

#include "asyncio/base_subprocess.h"
#include "asyncio/streams.h"

#include <optional>
#include <string>
#include <vector>

namespace asyncio {

namespace detail {

/// Between a process's transport and its streams.
/// Source    CPython 3.14 subprocess.SubprocessStreamProtocol.
class SubprocessStreamProtocol final : public SubprocessProtocol {
public:
    /// command   says which streams are pipes
    /// Throws    ValueError: a limit of 0.
    explicit SubprocessStreamProtocol(const CommandLine& command);

    // What the transport calls; see SubprocessProtocol.
    void connection_made(SubprocessTransport& transport) override;
    void connection_lost(std::exception_ptr error) override;
    void pipe_data_received(int fd, std::string_view data) override;
    void pipe_connection_lost(int fd, std::exception_ptr error) override;
    void process_exited() override;
    void pause_writing() override { input_->pause_writing(); }
    void resume_writing() override { input_->resume_writing(); }

    /// Makes what writes to the input.
    void open_writer();
    const std::optional<StreamWriter>& writer() const noexcept { return writer_; }
    /// Of the output (1) or the error output (2).
    const std::optional<StreamReader>& reader(int fd) const noexcept {
        return readers_[static_cast<std::size_t>(fd) - 1];
    }

private:
    void close_if_over();

    std::shared_ptr<StreamReaderProtocol> input_; // null: no pipe
    std::optional<StreamWriter> writer_;
    std::array<std::optional<StreamReader>, 2> readers_;
    SubprocessTransport* transport_ = nullptr; // until connection_lost()
    int open_outputs_ = 0;
    bool exited_ = false;
};

} // namespace detail

/// What a process has written; nothing: that stream was no pipe.
struct CommunicateResult {
    std::optional<std::string> out; // Python's stdout
    std::optional<std::string> err; // Python's stderr
};

/// A child process. A handle: copies are the same process. It runs on when the last one goes, and
/// the loop reaps it; one that still runs when the loop closes is killed.
///
///     auto process = co_await asyncio::create_subprocess_exec(
///         "ls", "-l", asyncio::ProcessOptions().stdout_(asyncio::subprocess::PIPE));
///     auto written = co_await process.communicate();
///     std::cout << *written.out << "exit code " << *process.returncode() << '\n';
///
/// Thread    the loop's own.
/// Source    CPython 3.14 asyncio.subprocess.Process.  Differs: wait() does not wait for the pipes
///           (as in CPython 3.15); a signal after the exit is always a ProcessLookupError.
class Process {
public:
    pid_t pid() const noexcept { return transport_->get_pid(); }
    /// How it has ended: its exit code; -n if signal n has killed it; nothing while it runs.
    std::optional<int> returncode() const noexcept { return transport_->get_returncode(); }

    // Its streams, as far as they are pipes. Lifetime: as long as a handle of the process; a copy
    // is a handle of its own.
    const std::optional<StreamWriter>& stdin_() const noexcept { return protocol_->writer(); }
    const std::optional<StreamReader>& stdout_() const noexcept { return protocol_->reader(1); }
    const std::optional<StreamReader>& stderr_() const noexcept { return protocol_->reader(2); }

    /// Waits until it has ended, also if others still hold its pipes. A process whose output nobody
    /// reads may wait for ever: communicate() reads it.
    ///
    /// Returns   as returncode().
    /// Cancel    the process goes on; it can be waited for again.
    detail::WaitForExit wait() const { return transport_->wait(); }

    /// Sends `input`, if it is given, ends what it gets, reads both outputs to their ends, and
    /// waits until it has ended. That it does not read all of its input is no error.
    ///
    /// Cancel    the process goes on. What it has written stays to be read, but for an output that
    ///           had come to its end; the rest of the input is not sent.
    Coro<CommunicateResult> communicate(std::optional<std::string> input = std::nullopt) const;

    /// Throws    ProcessLookupError: it has ended. PermissionError: it runs as somebody else.
    ///           OSError: no such signal.
    void send_signal(int number) const { transport_->send_signal(number); }
    void terminate() const { transport_->terminate(); } // SIGTERM: it can end in good order
    void kill() const { transport_->kill(); } // SIGKILL: it cannot

    friend bool operator==(const Process&, const Process&) noexcept = default; // the same

    // The library's own use.
    Process(SubprocessRef transport,
            std::shared_ptr<detail::SubprocessStreamProtocol> protocol) noexcept
        : transport_(std::move(transport)), protocol_(std::move(protocol)) {}
    SubprocessTransport& transport() const noexcept { return *transport_; }

private:
    SubprocessRef transport_;
    std::shared_ptr<detail::SubprocessStreamProtocol> protocol_;
};

/// "<Process 42>", as Python's repr.
std::string to_string(const Process& process);

namespace detail {

Coro<Process> create_process(CommandLine command);

} // namespace detail

/// Starts `program` with `args...`; the last one may be a ProcessOptions.
///
///     auto process = co_await asyncio::create_subprocess_exec("sort", "-n", "numbers.txt");
///
/// program   with a / it is a path; without, it is looked for in PATH
/// args      go to it as they are: no shell looks at them
/// Throws    OSError: it cannot be started (FileNotFoundError, PermissionError, ...); the program,
///           or its working folder, is named. ValueError: a NUL in a text, an option that cannot
///           be. KeyError: no such user or group.
/// Cancel    the process is killed, and waited for; its pipes are closed.
/// Cost      the loop's thread stands still until the program has begun: half a millisecond.
/// Source    CPython 3.14 asyncio.create_subprocess_exec.
template <class... Args>
Coro<Process> create_subprocess_exec(std::string program, Args&&... args) {
    return detail::create_process(
        detail::command_line(Redirection(), std::move(program), std::forward<Args>(args)...));
}
/// The same of words that are known only when the program runs.
/// Cancel    as above.
Coro<Process> create_subprocess_exec(std::vector<std::string> command,
                                     ProcessOptions options = ProcessOptions());

/// Has a shell run `command`: /bin/sh, or the one that `ProcessOptions().executable(...)` names.
///
/// The shell takes it apart, with all that ; $ * mean there: what it is made of must be trusted.
///
/// Throws    as create_subprocess_exec; a command that is not there is exit code 127.
/// Cancel    the shell is killed, but not what it has started, and its pipes are closed.
/// Source    CPython 3.14 asyncio.create_subprocess_shell.
Coro<Process> create_subprocess_shell(std::string command,
                                      ProcessOptions options = ProcessOptions());

} // namespace asyncio
