// SPDX-License-Identifier: MIT
// What a process is started from: its streams, its accounts, the keyword arguments.
#pragma once

#include "os/spawn.h"

#include <array>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace asyncio {

/// Where a stream of a process leads: subprocess::PIPE, DEVNULL, STDOUT, a descriptor of ours, or
/// by default where ours leads.
class Redirection {
public:
    constexpr Redirection() noexcept = default;
    constexpr Redirection(int fd) noexcept : where_(fd) {} // not taken over

    friend constexpr bool operator==(Redirection, Redirection) noexcept = default;
    /// The descriptor; negative: none.
    constexpr int fileno() const noexcept { return where_; }

private:
    int where_ = -4; // below -1: without a descriptor
};

// Python's names, in the module where Python has them.
namespace subprocess {
inline constexpr Redirection PIPE(-1);    // to us: Process::stdin_, stdout_, stderr_
inline constexpr Redirection STDOUT(-2);  // of the error output: where the output leads
inline constexpr Redirection DEVNULL(-3); // an empty input; output that nobody sees
/// Our own environment, to be changed and given to a process: Python's dict(os.environ).
std::map<std::string, std::string> environment();
} // namespace subprocess

/// A user or a group: a number, or a name that is looked up when the process is started.
class Account {
public:
    template <std::integral Number>
    Account(Number id) noexcept : id_(static_cast<std::int64_t>(id)) {}
    Account(std::string name) : name_(std::move(name)) {}
    Account(const char* name) : Account(std::string(name)) {}

    /// None: it is a name.
    std::optional<std::int64_t> id() const noexcept { return id_; }
    const std::string& name() const noexcept { return name_; }

private:
    std::string name_;
    std::optional<std::int64_t> id_;
};

/// The keyword arguments of create_subprocess_exec, create_subprocess_shell, and the loop's two.
/// Source    CPython 3.14 subprocess.Popen.  Differs: no preexec_fn, which can do nothing that is
///           safe; no text mode, as in asyncio. The names of streams end in _ because <cstdio> has
///           macros of the others.
class ProcessOptions {
public:
    ProcessOptions() noexcept {}
    ProcessOptions& stdin_(Redirection where) {
        streams_[0] = where;
        return *this;
    }
    ProcessOptions& stdout_(Redirection where) {
        streams_[1] = where;
        return *this;
    }
    ProcessOptions& stderr_(Redirection where) {
        streams_[2] = where;
        return *this;
    }
    /// Of create_subprocess_...: how much a reader buffers before it pauses its pipe (twice that),
    /// and how long a line may be; 64 KiB.
    ProcessOptions& limit(std::size_t limit_bytes) {
        limit_ = limit_bytes;
        return *this;
    }
    /// The working folder.
    ProcessOptions& cwd(std::string folder) {
        request_.cwd = std::move(folder);
        return *this;
    }
    /// Its whole environment, instead of ours; see subprocess::environment().
    ProcessOptions& env(const std::map<std::string, std::string>& variables) {
        request_.env.emplace(variables.begin(), variables.end());
        return *this;
    }
    /// What is executed, if not the program of the first name; of a shell command: another shell.
    ProcessOptions& executable(std::string program) {
        request_.executable = std::move(program);
        return *this;
    }
    /// Descriptors of ours that it gets too, under the same numbers.
    ProcessOptions& pass_fds(std::vector<int> descriptors) {
        request_.pass_fds = std::move(descriptors);
        return *this;
    }
    /// False: it gets all that are not closed on exec. This library's are, other libraries' may not
    /// be.
    ProcessOptions& close_fds(bool close) {
        request_.close_fds = close;
        return *this;
    }
    /// False: signals that this thread holds back, and an ignored SIGPIPE, are handed on.
    ProcessOptions& restore_signals(bool restore) {
        request_.restore_signals = restore;
        return *this;
    }
    /// A session of its own: Ctrl-C in our terminal does not reach it.
    ProcessOptions& start_new_session(bool start) {
        request_.start_new_session = start;
        return *this;
    }
    /// Into this process group; 0: a new one, of its own.
    ProcessOptions& process_group(pid_t group) {
        request_.process_group = group;
        return *this;
    }
    /// Its file mode creation mask.
    ProcessOptions& umask(mode_t mask) {
        request_.umask = mask;
        return *this;
    }
    /// As whom it runs; its groups stay ours unless they are given, too.
    ProcessOptions& user(Account user) {
        user_ = std::move(user);
        return *this;
    }
    ProcessOptions& group(Account group) {
        group_ = std::move(group);
        return *this;
    }
    /// Its further groups, instead of ours; none of them: an empty list.
    ProcessOptions& extra_groups(std::vector<Account> groups) {
        extra_groups_ = std::move(groups);
        return *this;
    }
    /// How much its pipes hold, as far as the system allows; 64 KiB by default.
    ProcessOptions& pipesize(int size_bytes) {
        pipe_bytes_ = size_bytes;
        return *this;
    }

    // What was set, for those who start processes.
    /// Where stream 0, 1 or 2 leads, or `otherwise` if that was not said.
    Redirection stream(std::size_t fd, Redirection otherwise) const noexcept {
        return streams_[fd].value_or(otherwise);
    }
    const std::string& executable() const noexcept { return request_.executable; }
    std::size_t limit() const noexcept { return limit_; }
    std::optional<int> pipesize() const noexcept { return pipe_bytes_; }
    /// All that the system needs to know, but the streams.
    /// Throws    ValueError: a NUL in a text, = in the name of a variable, a negative number.
    ///           KeyError: nobody has this name. OSError: the accounts cannot be read.
    os::SpawnRequest request(std::vector<std::string> arguments) const;

private:
    os::SpawnRequest request_;
    std::array<std::optional<Redirection>, 3> streams_;
    std::optional<Account> user_;
    std::optional<Account> group_;
    std::optional<std::vector<Account>> extra_groups_;
    std::size_t limit_ = 64 * 1024;
    std::optional<int> pipe_bytes_;
};

} // namespace asyncio
