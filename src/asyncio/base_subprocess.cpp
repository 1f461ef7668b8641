// SPDX-License-Identifier: MIT
// The life of a child process: its pipes, its exit, what its protocol is told of them.
#include "asyncio/base_subprocess.h"

#include "asyncio/base_events.h"
#include "asyncio/pipe_transports.h"
#include "os/pipes.h"

namespace asyncio {

using detail::Channel;
using detail::Channels;
using detail::Hop;

namespace detail {

// ---- waiting for the exit -----------------------------------------------------------------------

bool ExitAwaiter::await_ready() const noexcept { return process_->returncode_.has_value(); }

void ExitAwaiter::wait(FutureState* waiting) noexcept {
    process_->exit_waiters_.push_back(this);
    suspended(waiting);
}

int ExitAwaiter::await_resume() const {
    if (task != nullptr && take_cancel()) throw_cancelled();
    return *process_->returncode_;
}

void ExitAwaiter::abandon() noexcept {
    if (linked()) process_->exit_waiters_.remove(this);
}

// ---- pipes --------------------------------------------------------------------------------------

/// Hands on what happens to a pipe.
class PipeProtocol final : public Protocol {
public:
    PipeProtocol(SubprocessTransport& process, int fd) noexcept : process_(&process), fd_(fd) {}

    void data_received(std::string_view data) override { process_->pipe_data_received(fd_, data); }
    void connection_lost(std::exception_ptr error) override {
        const SubprocessRef process = std::move(process_);
        process->pipe_connection_lost(fd_, error);
    }
    void pause_writing() override {
        process_->tell("pause_writing", [](SubprocessProtocol& to) { to.pause_writing(); });
    }
    void resume_writing() override {
        process_->tell("resume_writing", [](SubprocessProtocol& to) { to.resume_writing(); });
    }

private:
    SubprocessRef process_;
    const int fd_;
};

namespace {

/// The ends of pipes: ours, and what the process gets.
struct Ends {
    std::array<os::Descriptor, 3> ours;
    std::array<os::Descriptor, 3> theirs;
};

/// Makes what stream `fd` leads to.
/// Returns   the descriptor that the process gets; -1: it keeps ours.
int open_stream(int fd, Redirection where, std::optional<int> pipe_bytes, Ends& ends) {
    const auto index = static_cast<std::size_t>(fd);
    if (where.fileno() >= 0) return where.fileno();
    if (where == Redirection()) return -1;
    if (where == subprocess::DEVNULL) {
        ends.theirs[index] = os::open_null_device();
    } else if (where == subprocess::PIPE) {
        auto [read_end, write_end] = os::make_pipe(pipe_bytes);
        ends.ours[index] = std::move(fd == 0 ? write_end : read_end);
        ends.theirs[index] = std::move(fd == 0 ? read_end : write_end);
    } else {
        throw ValueError(where == subprocess::STDOUT ? "STDOUT can only be used for stderr"
                                                     : "a stream leads to a negative descriptor");
    }
    return ends.theirs[index].get();
}

std::array<int, 3> open_streams(const CommandLine& command, Ends& ends) {
    std::array<int, 3> stdio{};
    for (int fd = 0; fd < 3; ++fd) {
        const auto index = static_cast<std::size_t>(fd);
        const Redirection where = command.options.stream(index, command.otherwise);
        if (fd == 2 && where == subprocess::STDOUT) {
            stdio[2] = stdio[1] >= 0 ? stdio[1] : 1;
        } else {
            stdio[index] = open_stream(fd, where, command.options.pipesize(), ends);
        }
    }
    return stdio;
}

} // namespace

} // namespace detail

// ---- the beginning ------------------------------------------------------------------------------

const Channel::Ops SubprocessTransport::channel_ops{
    [](Channel& channel, std::uint32_t) {
        static_cast<SubprocessTransport&>(channel).on_exit_event();
    },
    [](Channel& channel) noexcept { static_cast<SubprocessTransport&>(channel).let_go(); }};

SubprocessTransport::SubprocessTransport(EventLoop& loop,
                                         std::shared_ptr<SubprocessProtocol> protocol)
    : Hop(
          [](Hop* hop) {
              auto* self = static_cast<SubprocessTransport*>(hop);
              self->call_queued_ = false;
              self->made_ ? self->lose_connection() : self->make_connection();
          },
          [](Hop* hop) noexcept { static_cast<SubprocessTransport*>(hop)->let_go(); }),
      Channel(channel_ops), loop_index_(loop.core().index), protocol_(std::move(protocol)),
      context_(std::as_const(detail::current_context())) {
    Channels::of(loop); // made before it is asked for
}

EventLoop& SubprocessTransport::loop() const noexcept {
    return EventLoop::of(*detail::loop_table[loop_index_]);
}

SubprocessRef SubprocessTransport::start(EventLoop& loop,
                                         std::shared_ptr<SubprocessProtocol> protocol,
                                         os::SpawnRequest request,
                                         const detail::CommandLine& command) {
    SubprocessRef process =
        SubprocessRef::adopt(new SubprocessTransport(loop, std::move(protocol)));
    process->begin(std::move(request), command);
    process->add_ref(); // the loop's
    return process;
}

void SubprocessTransport::begin(os::SpawnRequest request, const detail::CommandLine& command) {
    detail::Ends ends;
    request.stdio = detail::open_streams(command, ends);
    child_ = os::spawn(request);
    pid_ = child_.pid();
    ends.theirs = {}; // or the end of a pipe would never come
    struct Undo { // unless all of it has begun
        SubprocessTransport* process;
        ~Undo() {
            if (process != nullptr) process->undo_begin();
        }
    } undo{this};
    for (int stream = 0; stream < 3; ++stream) {
        os::Descriptor& end = ends.ours[static_cast<std::size_t>(stream)];
        if (end) connect_pipe(stream, std::move(end));
    }
    fd = child_.fileno();
    loop().parts().channels->open(*this, Channels::level_reads);
    if (loop().get_debug()) {
        detail::log(LogLevel::debug, "process '" + request.arguments.front() + "' created: pid " +
                                         std::to_string(pid_));
    }
    undo.process = nullptr;
    for (const TransportRef& pipe : pipes_) {
        if (!pipe) continue;
        pipe->add_ref(); // the loop's
        static_cast<detail::ChannelTransport&>(*pipe).start();
    }
    queue_call(); // behind them: when the protocol is told, its pipes are connected
}

void SubprocessTransport::connect_pipe(int stream, os::Descriptor end) {
    auto protocol = std::make_shared<detail::PipeProtocol>(*this, stream);
    Transport* const pipe =
        stream == 0 ? static_cast<Transport*>(new detail::WritePipeTransport(loop(), std::move(end),
                                                                             std::move(protocol)))
                    : new detail::ReadPipeTransport(loop(), std::move(end), std::move(protocol));
    pipes_[static_cast<std::size_t>(stream)] = TransportRef(*pipe);
    pipe->release(); // what it was made with
    ++open_pipes_;
}

// There was no memory, or too much is watched.
void SubprocessTransport::undo_begin() noexcept {
    end_process_now();
    stop_watching();
    pipes_ = {};
}

void SubprocessTransport::queue_call() {
    if (call_queued_) return; // connection_made() is still to come
    call_queued_ = true;
    queue_hop(loop().core(), this);
}

void SubprocessTransport::make_connection() {
    made_ = true;
    tell("connection_made", [this](SubprocessProtocol& to) { to.connection_made(*this); });
    if (over_) queue_call();
    const detail::StateRef waiter = std::exchange(made_waiter_, {});
    if (!waiter || waiter->done()) return;
    waiter->cell.st = detail::CellHead::value;
    complete(waiter.get());
}

// ---- what happens -------------------------------------------------------------------------------

// In the context of who has started the process.
template <class F>
void SubprocessTransport::call_protocol(F call) {
    const std::shared_ptr<SubprocessProtocol> kept = protocol_; // it may set another one
    if (kept == nullptr) return;
    struct Entered {
        explicit Entered(detail::ContextSlot& context) noexcept
            : before(std::exchange(detail::context_slot, &context)) {}
        Entered(const Entered&) = delete;
        Entered& operator=(const Entered&) = delete;
        ~Entered() { detail::context_slot = before; }
        detail::ContextSlot* const before;
    } entered(context_);
    call(*kept);
}

// What it throws is reported, and changes nothing.
template <class F>
void SubprocessTransport::tell(const char* function, F call) {
    try {
        call_protocol(call);
    } catch (...) {
        const std::exception_ptr error = std::current_exception();
        if (is_exception<KeyboardInterrupt>(error) || is_exception<SystemExit>(error)) throw;
        report(function, error);
    }
}

void SubprocessTransport::report(const char* function,
                                 const std::exception_ptr& error) const noexcept {
    try {
        ExceptionContext context;
        context.message = std::string("Exception in callback ") + function + "()";
        context.exception = error;
        context.more.emplace_back("transport", text());
        loop().call_exception_handler(context);
    } catch (...) {
        detail::log(LogLevel::error, "an error of a process's protocol, and another in its report");
    }
}

// What it throws ends this pipe, as of any connection: bytes would be missing.
void SubprocessTransport::pipe_data_received(int stream, std::string_view data) {
    call_protocol([=](SubprocessProtocol& to) { to.pipe_data_received(stream, data); });
}

void SubprocessTransport::pipe_connection_lost(int stream, const std::exception_ptr& error) {
    struct End { // also after an interrupt
        SubprocessTransport& self;
        ~End() { self.end_if_over(); }
    } end{*this};
    --open_pipes_;
    tell("pipe_connection_lost",
         [&](SubprocessProtocol& to) { to.pipe_connection_lost(stream, error); });
}

void SubprocessTransport::on_exit_event() {
    if (fd < 0) return release(); // it was closed while it stood in the line
    if (const std::optional<os::ExitStatus> status = child_.reap()) exited(*status);
}

void SubprocessTransport::exited(os::ExitStatus status) {
    stop_watching();
    returncode_ = status.returncode;
    if (!status.is_known) {
        detail::log(LogLevel::warning, "child process pid " + std::to_string(pid_) +
                                           " exit status already read: will report returncode 255");
    }
    if (loop().get_debug()) {
        detail::log(LogLevel::info,
                    text() + " exited with return code " + std::to_string(*returncode_));
    }
    struct End { // also after an interrupt
        SubprocessTransport& self;
        ~End() { self.end_if_over(); }
    } end{*this};
    while (detail::LinkedWaiter* waiter = exit_waiters_.pop_front()) waiter->fired();
    tell("process_exited", [](SubprocessProtocol& to) { to.process_exited(); });
}

// ---- the end ------------------------------------------------------------------------------------

void SubprocessTransport::close() {
    if (closed_) return;
    closed_ = true;
    for (const TransportRef& pipe : pipes_) {
        if (pipe) pipe->close();
    }
    if (returncode_) return;
    if (loop().get_debug()) {
        detail::log(LogLevel::warning, "Close running child process: kill " + text());
    }
    try {
        kill();
    } catch (const OSError&) { // it runs as somebody else, or somebody else has reaped it
    }
}

void SubprocessTransport::end_if_over() {
    if (over_ || gone_ || !returncode_ || open_pipes_ != 0) return;
    over_ = true;
    if (made_) queue_call();
}

void SubprocessTransport::lose_connection() {
    struct LetGo { // also after an interrupt
        SubprocessTransport& self;
        ~LetGo() { self.let_go(); }
    } let_go_at_end{*this};
    tell("connection_lost", [](SubprocessProtocol& to) { to.connection_lost(nullptr); });
}

namespace {

constexpr int killed_process_limit_ms = 1000; // it has memory to give back

} // namespace

// When nobody can wait for it any more. In a forked child of ours it is no child, and lives on.
void SubprocessTransport::end_process_now() noexcept {
    if (returncode_ || child_.pid() == 0) return;
    std::optional<os::ExitStatus> status = child_.reap();
    if (!status) {
        try {
            child_.send_signal(SIGKILL);
        } catch (...) { // it runs as somebody else
        }
        status = child_.reap_within(killed_process_limit_ms);
    }
    if (status) returncode_ = status->returncode;
}

void SubprocessTransport::stop_watching() noexcept {
    loop().parts().channels->close(*this);
    fd = -1;
    child_ = os::ChildProcess();
}

// The loop's part is over. Called once; what is called afterwards finds the transport closing.
void SubprocessTransport::let_go() noexcept {
    gone_ = closed_ = true;
    end_process_now();
    stop_watching();
    // A loop that closes has not come to all of them yet, and what the protocol holds of them must
    // find them closed.
    for (const TransportRef& pipe : pipes_) {
        if (!pipe) continue;
        const int pipe_fd = pipe->get_extra_info(extra::pipe, -1);
        if (pipe_fd < 0) continue;
        if (Channel* channel = loop().parts().channels->owner_of(pipe_fd)) {
            channel->ops->at_close(*channel);
        }
    }
    made_waiter_ = {};
    const std::shared_ptr<SubprocessProtocol> last = std::move(protocol_);
    if (!Channel::queued) release(); // else on_exit_event() does
}

// ---- facts --------------------------------------------------------------------------------------

Transport* SubprocessTransport::get_pipe_transport(int stream) const noexcept {
    return stream >= 0 && stream < 3 ? pipes_[static_cast<std::size_t>(stream)].get() : nullptr;
}

void SubprocessTransport::send_signal(int number) const {
    if (returncode_) os::throw_os_error(ESRCH, "kill", std::to_string(pid_));
    child_.send_signal(number);
}

void SubprocessTransport::terminate() const { send_signal(SIGTERM); }
void SubprocessTransport::kill() const { send_signal(SIGKILL); }

void SubprocessTransport::set_protocol(std::shared_ptr<SubprocessProtocol> protocol) {
    if (protocol == nullptr) throw TypeError("a process needs a SubprocessProtocol");
    protocol_ = std::move(protocol);
}

std::optional<int> SubprocessTransport::get_extra_info(ExtraInfo<int> key) const {
    if (std::string_view(key.name) != extra::subprocess.name) return std::nullopt;
    return child_.fileno();
}

std::string SubprocessTransport::text() const {
    std::string text = "<SubprocessTransport";
    if (closed_) text += " closed";
    text += " pid=" + std::to_string(pid_);
    text += returncode_ ? " returncode=" + std::to_string(*returncode_) : " running";
    constexpr std::array<const char*, 3> names{" stdin=", " stdout=", " stderr="};
    for (std::size_t stream = 0; stream < names.size(); ++stream) {
        if (pipes_[stream]) text += names[stream] + pipes_[stream]->text();
    }
    return text + ">";
}

// ---- starting -----------------------------------------------------------------------------------

namespace detail {

CommandLine shell_line(Redirection unsaid_streams, std::string command, ProcessOptions options) {
    std::string shell = options.executable().empty() ? "/bin/sh" : options.executable();
    return command_line(unsaid_streams, std::move(shell), "-c", std::move(command),
                        std::move(options));
}

Coro<StartedProcess<SubprocessProtocol>> start_process(EventLoop* loop, SubprocessFactory factory,
                                                       CommandLine command) {
    // LIFETIME: the loop runs this.
    struct CloseUnlessMade { // nobody else will get it
        SubprocessRef transport;
        bool made = false;
        ~CloseUnlessMade() {
            if (!made) transport->close();
        }
    };
    os::SpawnRequest request = command.options.request(std::move(command.words));
    std::shared_ptr<SubprocessProtocol> protocol = factory();
    if (protocol == nullptr) throw TypeError("a process needs a SubprocessProtocol");
    const Future<> made(*loop);
    SubprocessRef transport =
        SubprocessTransport::start(*loop, protocol, std::move(request), command);
    CloseUnlessMade guard{transport};
    transport->tell_when_made(made);
    Outcome<void> begun = co_await outcome(made);
    if (!begun) {
        transport->close();
        co_await transport->wait();
    }
    begun.value();
    guard.made = true;
    co_return StartedProcess<SubprocessProtocol>{std::move(transport), std::move(protocol)};
}

} // namespace detail

} // namespace asyncio
