// SPDX-License-Identifier: MIT
// The thread that answers, and what each loop writes down for it.
// Uses: calls and waiters of tasks for what it tells; a loop, streams and questions for how.
#include "asyncio/inspection.h"

#include "asyncio/call_stacks.h"
#include "asyncio/gather.h"
#include "asyncio/graph.h"
#include "asyncio/loop_questions.h"
#include "asyncio/runners.h"
#include "asyncio/threads.h"
#include "asyncio/unix_connections.h"
#include "asyncio/wait_for.h"
#include "os/process.h"

#include <thread>

namespace asyncio {

namespace {

// ---- what a loop tells --------------------------------------------------------------------------

TaskSnapshot snapshot_of(detail::FutureState* task) {
    TaskSnapshot snapshot;
    snapshot.id = task->id();
    snapshot.name = detail::name_of(task);
    snapshot.cancelling = detail::cancelling(task) > 0;
    for (const detail::Call& call : detail::calls_of(task)) {
        snapshot.calls.push_back(
            {detail::name_of_call(call.where), call.where.file_name(), call.where.line()});
    }
    for (const detail::FutureState* waiter : detail::waiters_of(task)) {
        snapshot.awaited_by.push_back(waiter->id());
    }
    return snapshot;
}

LoopSnapshot snapshot_of(EventLoop& loop) {
    LoopSnapshot snapshot;
    snapshot.number = loop.core().index;
    snapshot.answered = true;
    snapshot.thread = os::thread_number();
    for (const AnyTask& task : all_tasks(loop)) {
        snapshot.tasks.push_back(snapshot_of(task.state()));
    }
    return snapshot;
}

// ---- asking them --------------------------------------------------------------------------------

using Question = detail::LoopQuestion<LoopSnapshot>;

// Nothing: it has closed meanwhile.
Coro<std::optional<LoopSnapshot>> ask(detail::KnownLoop loop, Duration patience) {
    auto asked = wrap_future(Question::ask(*loop.link, &snapshot_of));
    auto answer = co_await outcome(wait_for(std::move(asked), patience));
    if (answer.has_value()) co_return std::move(answer.value());
    if (!is_exception<TimeoutError>(answer.exception())) co_return std::nullopt;
    LoopSnapshot silent;
    silent.number = loop.index;
    co_return silent;
}

Coro<std::vector<LoopSnapshot>> ask_all(Duration patience) {
    const std::uint16_t own = detail::running_loop().index;
    std::vector<Coro<std::optional<LoopSnapshot>>> questions;
    for (detail::KnownLoop& loop : detail::all_loops()) {
        if (loop.index != own) questions.push_back(ask(std::move(loop), patience));
    }
    auto answers = co_await gather(std::move(questions));
    std::vector<LoopSnapshot> snapshots;
    for (std::optional<LoopSnapshot>& answer : answers) {
        if (answer) snapshots.push_back(std::move(*answer));
    }
    co_return snapshots;
}

// Abstract names have no permissions. Who has gone already may not look either.
bool may_look(const StreamWriter& writer) {
    const auto socket = writer.get_extra_info(extra::socket);
    if (!socket || socket->fileno() < 0) return false;
    const unsigned user = os::peer_credentials(socket->fileno()).user;
    return user == 0 || user == os::effective_user();
}

} // namespace

// ---- the thread ---------------------------------------------------------------------------------

class Inspection::Host {
public:
    explicit Host(const InspectionOptions& options) : patience_(options.patience()) {
        stop_.set_running_or_notify_cancel(); // so that who waits cannot cancel it
        detail::reserve_task_ids(); // the program's own tasks are the first ones, as without this
        thread_ = std::thread([this] { work(); });
        try {
            listening_.get();
        } catch (...) {
            thread_.join();
            throw;
        }
    }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    ~Host() {
        stop_.set_result();
        thread_.join();
    }

private:
    void work() noexcept {
        os::name_this_thread("asyncio-inspect");
        try {
            run(serve());
        } catch (...) { // before it listened: the constructor throws that
            if (!listening_.done()) listening_.set_exception(std::current_exception());
        }
    }

    Coro<> serve() {
        const auto callback = [this](const StreamReader&, StreamWriter writer) {
            return tell(std::move(writer));
        };
        const Server server =
            co_await start_unix_server(callback, inspection_name(os::process_number()));
        listening_.set_result();
        co_await wrap_future(stop_);
        co_await server.shutdown(Duration());
    }

    // Who asks may go away at any time: that is no error.
    Coro<> tell(StreamWriter writer) {
        if (may_look(writer)) {
            const std::vector<LoopSnapshot> loops = co_await ask_all(patience_);
            writer.write(snapshot_text(loops));
            static_cast<void>(co_await outcome(writer.drain()));
        }
        writer.close();
        static_cast<void>(co_await outcome(writer.wait_closed()));
    }

    Duration patience_;
    ConcurrentFuture<> listening_;
    ConcurrentFuture<> stop_;
    std::thread thread_;
};

Inspection::Inspection(InspectionOptions options) : host_(std::make_unique<Host>(options)) {}
Inspection::~Inspection() = default;

std::string inspection_name(long process) {
    return std::string(1, '\0') + "asyncio-inspection-" + std::to_string(process);
}

} // namespace asyncio
