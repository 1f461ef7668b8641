// SPDX-License-Identifier: MIT
// A socket and a pidfd: whichever speaks first says whether the worker lives.
#include "multiprocessing/worker_process.h"

#include "multiprocessing/freeze_support.h"
#include "os/errors.h"
#include "os/process.h"
#include "os/signals.h"

#include <cerrno>
#include <csignal>
#include <utility>

namespace multiprocessing {

namespace os = asyncio::os;

namespace {

/// How long a worker that has lost its connection may take to end by itself.
constexpr int last_words_ms = 1000;

os::ChildProcess start_process(int connection) {
    os::SpawnRequest request;
    request.executable = "/proc/self/exe"; // the program itself, even if its file is another by now
    request.arguments = {os::program_name(), worker_mark,
                         "parent_pid=" + std::to_string(os::process_id()),
                         "pipe_handle=" + std::to_string(connection)};
    request.pass_fds = {connection};
    return os::spawn(request);
}

} // namespace

std::string to_string(const os::ExitStatus& status) {
    if (!status.is_known) return "an unknown exit code";
    if (status.returncode >= 0) return "exit code " + std::to_string(status.returncode);
    const int number = -status.returncode;
    return "signal " + std::to_string(number) + " (" + os::signal_name(number) + ")";
}

WorkerProcess::WorkerProcess(std::string_view start) {
    auto [mine, its] = os::Socket::pair();
    process_ = start_process(its.fileno());
    connection_ = std::move(mine);
    its.close(); // else nobody would see it end
    send(FrameKind::start, start);
}

bool WorkerProcess::send(FrameKind kind, std::string_view payload) {
    const auto header = frame_header(kind, payload.size());
    return send_all({header.data(), header.size()}) && send_all(payload);
}

bool WorkerProcess::send_all(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = os::send(connection_.fileno(), bytes.data(), bytes.size());
        if (sent >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        } else if (sent != -EAGAIN || !os::wait_writable(connection_.fileno(), process_.fileno())) {
            has_taken_all_ = false;
            return false;
        }
    }
    return true;
}

std::optional<Frame> WorkerProcess::receive() {
    for (;;) {
        if (auto frame = reader_.next()) return frame;
        const std::span<char> room = reader_.room();
        const ssize_t got = os::receive(connection_.fileno(), room.data(), room.size());
        if (got > 0) {
            reader_.took(static_cast<std::size_t>(got));
            continue;
        }
        const bool waits = got == -EAGAIN;
        if (got < 0 && !waits) has_taken_all_ = false; // ECONNRESET: it has left something unread
        // It may have ended though a process of its own still has the connection: the pidfd knows.
        if (!waits || !os::wait_readable(connection_.fileno(), process_.fileno())) {
            return std::nullopt;
        }
    }
}

os::ExitStatus WorkerProcess::end_of_lost() noexcept {
    auto status = process_.reap_within(last_words_ms);
    while (!status) {
        signal(SIGKILL);
        status = process_.reap_within(-1);
    }
    return *status;
}

void WorkerProcess::finish() noexcept {
    if (process_.pid() == 0) return;
    try {
        send(FrameKind::end, {});
    } catch (...) { // it sees the end of the connection instead
    }
    connection_.close();
    while (!process_.reap_within(-1)) {
    }
}

void WorkerProcess::signal(int number) const noexcept {
    if (process_.pid() == 0) return;
    try {
        process_.send_signal(number);
    } catch (...) { // it has ended by itself
    }
}

} // namespace multiprocessing
