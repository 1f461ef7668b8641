// SPDX-License-Identifier: MIT
// Process: what streams do with the events of a child process.
#include "asyncio/subprocess.h"

#include "asyncio/gather.h"

#include <algorithm>

namespace asyncio {

namespace detail {

// ---- the protocol -------------------------------------------------------------------------------

// All that needs memory is made before there is a process.
SubprocessStreamProtocol::SubprocessStreamProtocol(const CommandLine& command) {
    const auto is_pipe = [&](std::size_t fd) {
        return command.options.stream(fd, command.otherwise) == subprocess::PIPE;
    };
    const StreamReader unread(command.options.limit()); // the limit is checked in any case
    if (is_pipe(0)) input_ = std::make_shared<StreamReaderProtocol>(unread);
    for (std::size_t fd = 1; fd <= readers_.size(); ++fd) {
        if (!is_pipe(fd)) continue;
        readers_[fd - 1].emplace(command.options.limit());
        ++open_outputs_;
    }
}

void SubprocessStreamProtocol::connection_made(SubprocessTransport& transport) {
    transport_ = &transport;
    for (int fd = 1; fd <= 2; ++fd) {
        if (reader(fd)) reader(fd)->set_transport(*transport.get_pipe_transport(fd));
    }
}

void SubprocessStreamProtocol::open_writer() {
    if (input_ != nullptr) writer_.emplace(*transport_->get_pipe_transport(0), input_);
}

void SubprocessStreamProtocol::connection_lost(std::exception_ptr) { transport_ = nullptr; }

void SubprocessStreamProtocol::pipe_data_received(int fd, std::string_view data) {
    reader(fd)->feed_data(data);
}

void SubprocessStreamProtocol::pipe_connection_lost(int fd, std::exception_ptr error) {
    if (fd == 0) return input_->connection_lost(std::move(error));
    ReaderState& output = reader(fd)->state();
    output.set_transport(nullptr);
    if (error == nullptr) {
        output.feed_eof();
    } else {
        output.set_exception(std::move(error));
    }
    --open_outputs_;
    close_if_over();
}

void SubprocessStreamProtocol::process_exited() {
    exited_ = true;
    close_if_over();
}

// Nobody is left who reads its input, or nobody that is known.
void SubprocessStreamProtocol::close_if_over() {
    if (exited_ && open_outputs_ == 0) transport_->close();
}

// ---- communicate --------------------------------------------------------------------------------

namespace {

constexpr std::size_t piece_bytes = 256 * 1024; // of an input: what is unsent is kept twice

bool is_gone(const std::exception_ptr& error) {
    return is_exception<BrokenPipeError>(error) || is_exception<ConnectionResetError>(error);
}

Coro<> feed_input(Process process, std::optional<std::string> input) {
    const std::optional<StreamWriter>& writer = process.stdin_(); // the process is kept here
    if (!writer) co_return;
    std::string_view rest;
    if (input) rest = *input;
    do {
        writer->write(rest.substr(0, piece_bytes));
        rest.remove_prefix(std::min(rest.size(), piece_bytes));
        Outcome<void> taken = co_await outcome(writer->drain());
        if (is_gone(taken.exception())) break; // it wants no more
        taken.value();
    } while (!rest.empty());
    writer->close();
}

Coro<std::optional<std::string>> read_output(Process process, int fd) {
    const std::optional<StreamReader> reader = fd == 1 ? process.stdout_() : process.stderr_();
    if (!reader) co_return std::nullopt;
    std::string text = co_await reader->read();
    process.transport().get_pipe_transport(fd)->close();
    co_return text;
}

/// A part of communicate, which does not outlive it: gather() lets the others run when one fails.
template <class T>
struct Part {
    explicit Part(Coro<T> coro) : task(create_task(std::move(coro))) {}
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;
    ~Part() { task.cancel(); }

    Task<T> task;
};

Coro<CommunicateResult> communicate_with(Process process, std::optional<std::string> input) {
    const Part<void> feeding(feed_input(process, std::move(input)));
    const Part<std::optional<std::string>> out(read_output(process, 1));
    const Part<std::optional<std::string>> err(read_output(process, 2));
    auto all = gather(feeding.task, out.task, err.task);
    auto written = co_await std::move(all);
    co_await process.wait();
    CommunicateResult result;
    result.out = std::move(std::get<1>(written));
    result.err = std::move(std::get<2>(written));
    co_return result;
}

} // namespace

// ---- starting -----------------------------------------------------------------------------------

Coro<Process> create_process(CommandLine command) {
    EventLoop& loop = get_running_loop();
    auto protocol = std::make_shared<SubprocessStreamProtocol>(command);
    auto factory = [protocol] { return protocol; };
    auto starting = start_process(&loop, factory, std::move(command));
    StartedProcess<SubprocessProtocol> started = co_await std::move(starting);
    try {
        protocol->open_writer();
    } catch (const std::bad_alloc&) {
        started.transport->close(); // nobody will get it
        throw;
    }
    co_return Process(std::move(started.transport), protocol);
}

} // namespace detail

Coro<CommunicateResult> Process::communicate(std::optional<std::string> input) const {
    return detail::communicate_with(*this, std::move(input));
}

std::string to_string(const Process& process) {
    return "<Process " + std::to_string(process.pid()) + ">";
}

Coro<Process> create_subprocess_exec(std::vector<std::string> command, ProcessOptions options) {
    detail::CommandLine line((Redirection()));
    line.words = std::move(command);
    line.options = std::move(options);
    return detail::create_process(std::move(line));
}

Coro<Process> create_subprocess_shell(std::string command, ProcessOptions options) {
    return detail::create_process(
        detail::shell_line(Redirection(), std::move(command), std::move(options)));
}

} // namespace asyncio
