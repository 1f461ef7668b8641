// SPDX-License-Identifier: MIT
// Random programs over tasks, futures, locks, queues and scopes. The twin of programs.py.
#include "support/trace.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <optional>
#include <span>
#include <variant>

using namespace trace;

namespace {

constexpr int default_programs = 200;
constexpr std::size_t operations_max = 45;
constexpr int depth_max = 3;
constexpr int meddlings = 8;
constexpr int rounds_max = 40;
constexpr int callback_turns_max = 10;

// ---- programs -----------------------------------------------------------------------------------

struct Operation;
using Script = std::vector<Operation>;

struct Operation {
    std::size_t number;
    std::string kind;
    unsigned a;
    unsigned b;
    std::vector<Script> scripts;

    std::string text() const {
        return std::to_string(number) + " " + kind + " " + std::to_string(a) + " " +
               std::to_string(b);
    }
    std::string name_of(std::size_t child) const { return std::to_string(number) + "abc"[child]; }
    std::exception_ptr error() const {
        return std::make_exception_ptr(ValueError(std::to_string(number)));
    }
};

/// An operation: how often it comes up, and how many scripts it has (-1: two or three).
struct Kind {
    const char* name;
    unsigned weight;
    int scripts = 0;
};
using Kinds = std::vector<Kind>;

// What does not wait: tasks and callbacks do it.
const Kinds plain_kinds{
    {"set_result", 4},   {"set_exception", 2}, {"cancel_future", 2},   {"cancel", 5},
    {"cancelling", 1},   {"event_set", 3},     {"event_clear", 2},     {"put_nowait", 2},
    {"get_nowait", 2},   {"task_done", 2},     {"release_lock", 1},    {"release_semaphore", 2},
    {"notify", 4},       {"reschedule", 2},    {"expired", 1},         {"raise", 1},
    {"set_variable", 1}, {"get_variable", 1},  {"remove_callback", 1}, {"cancel_handle", 1}};
// What registers a script of the above as a callback.
const Kinds registering_kinds{
    {"soon", 2, 1}, {"later", 2, 1}, {"when_future", 2, 1}, {"when_task", 2, 1}};
const Kinds pauses{{"yield", 12}, {"sleep", 4}};
const Kinds waiting_kinds{{"yield", 8},         {"sleep", 8},         {"await_future", 5},
                          {"await_task", 4},    {"shield_future", 2}, {"shield_task", 2},
                          {"wait_given", 3},    {"event_wait", 4},    {"put", 5},
                          {"get", 5},           {"join", 2},          {"barrier", 4},
                          {"barrier_reset", 1}, {"barrier_abort", 1}};
const Kinds scopes{{"lock", 8, 1},    {"semaphore", 6, 1},     {"condition", 4, 1},
                   {"timeout", 8, 1}, {"swallow", 4, 1},       {"catch", 4, 1},
                   {"finally", 3, 2}, {"gather", 3, -1},       {"gather_outcomes", 2, -1},
                   {"wait", 3, -1},   {"as_completed", 2, -1}, {"shield", 3, 1},
                   {"spawn", 3, 1}};
const Kinds newer_plain_kinds{{"uncancel", 2},     {"shut_down", 1},       {"gather_later", 3},
                              {"shield_later", 2}, {"cancel_combined", 2}, {"count", 2}};
const Kinds newer_waiting_kinds{{"condition_wait", 5},
                                {"condition_wait_for", 3},
                                {"wait_for_task", 3},
                                {"gather_given", 3},
                                {"await_combined", 3}};
const Kinds newer_scopes{{"wait_for", 5, 1}, {"group", 8, -1}, {"spawn_eagerly", 3, 1}};

Kinds operator+(Kinds kinds, const Kinds& more) {
    kinds.insert(kinds.end(), more.begin(), more.end());
    return kinds;
}

bool is_one_of(const Kinds& kinds, const std::string& name) {
    return std::ranges::any_of(kinds, [&name](const Kind& kind) { return name == kind.name; });
}

/// Who interprets a script: a task, one that holds the condition (and must not depend on those who
/// wait for it), or a callback.
enum class Place { task, holder, callback };

Place place_below(Place place, const Kind& kind) {
    if (is_one_of(registering_kinds, kind.name)) return Place::callback;
    return std::string_view(kind.name) == "condition" ? Place::holder : place;
}

struct Mode {
    bool newer;
    bool shields;

    Kinds kinds(const Kinds& old_ones, const Kinds& new_ones) const {
        Kinds all = newer ? old_ones + new_ones : old_ones;
        if (!shields) {
            std::erase_if(all, [](const Kind& kind) {
                return std::string_view(kind.name).starts_with("shield");
            });
        }
        return all;
    }
};

/// Makes the program of a seed.
class Maker {
public:
    Maker(std::uint64_t seed, Mode mode)
        : state_(seed), plain_(mode.kinds(plain_kinds, newer_plain_kinds)),
          leaves_(plain_ + mode.kinds(waiting_kinds, newer_waiting_kinds)),
          holders_(plain_ + pauses), callbacks_(plain_ + registering_kinds),
          all_(leaves_ + registering_kinds + mode.kinds(scopes, newer_scopes)) {}

    /// Scripts of tasks; the last one meddles with the others, a turn or a second at a time.
    std::vector<Script> program() {
        std::vector<Script> all;
        const unsigned tasks = 2 + below(3);
        for (unsigned i = 0; i < tasks; ++i) all.push_back(script(0, Place::task));
        Script meddler;
        for (int i = 0; i < 2 * meddlings; ++i) {
            meddler.push_back(operation(depth_max, i % 2 == 0 ? plain_ : pauses, Place::task));
        }
        all.push_back(std::move(meddler));
        return all;
    }

private:
    unsigned below(unsigned bound) {
        state_ = state_ * 6364136223846793005U + 1442695040888963407U;
        return static_cast<unsigned>((state_ >> 33) % bound);
    }

    Script script(int depth, Place place) {
        Script made;
        const unsigned count = 1 + below(4);
        for (unsigned i = 0; i < count; ++i) {
            const bool flat = depth == depth_max || made_ >= operations_max;
            made.push_back(operation(depth, kinds(place, flat), place));
        }
        return made;
    }

    const Kinds& kinds(Place place, bool flat) const {
        if (place == Place::holder) return holders_;
        if (place == Place::callback) return flat ? plain_ : callbacks_;
        return flat ? leaves_ : all_;
    }

    Operation operation(int depth, const Kinds& kinds, Place place) {
        const Kind& kind = pick(kinds);
        Operation op{made_++, kind.name, 0, 0, {}};
        op.a = below(8);
        op.b = below(4);
        const unsigned count =
            kind.scripts < 0 ? 2 + below(2) : static_cast<unsigned>(kind.scripts);
        const Place inside = place_below(place, kind);
        for (unsigned i = 0; i < count; ++i) op.scripts.push_back(script(depth + 1, inside));
        return op;
    }

    const Kind& pick(const Kinds& kinds) {
        unsigned sum = 0;
        for (const Kind& kind : kinds) sum += kind.weight;
        unsigned left = below(sum);
        const Kind* picked = kinds.data();
        while (left >= picked->weight) left -= (picked++)->weight;
        return *picked;
    }

    std::uint64_t state_;
    std::size_t made_ = 0;
    Kinds plain_;
    Kinds leaves_;
    Kinds holders_;
    Kinds callbacks_;
    Kinds all_;
};

// ---- what they work on --------------------------------------------------------------------------

// Where a cancel is delivered: its message is shown there. Who looks at a cancelled task after
// another has sees none in CPython, and sees it here.
constexpr std::array shows_message{"yield", "sleep", "event_wait", "put", "get", "join"};

ContextVar<std::size_t> variable("variable", 0);
constexpr std::array return_when{FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED};

std::string text(const Outcome<std::string>& end) {
    if (end.cancelled()) return "CancelledError";
    return end.has_value() ? end.value() : text_of_error(end.exception());
}
const std::string& text(const std::string& value) { return value; }

template <class T>
std::string texts(const std::vector<T>& values) {
    std::string all;
    for (const T& value : values) all += (all.empty() ? "" : ", ") + text(value);
    return "[" + all + "]";
}

std::chrono::seconds seconds_of(const Operation& op) { return std::chrono::seconds(op.b); }

/// A task, and the first one above it.
struct Runner {
    std::string name;
    std::size_t root;
};

class World {
public:
    World(const std::vector<Script>& scripts, Mode mode) : newer_(mode.newer) {
        for (const Script& script : scripts) {
            roots_.push_back(start("t" + std::to_string(roots_.size()), roots_.size(), script));
        }
    }

    /// Waits until all have ended; cancels again and again those that go on.
    Coro<> end();

private:
    using NamedTask = Task<std::string>;

    template <class... Options>
    NamedTask start(std::string name, std::size_t root, const Script& script,
                    const Options&... options) {
        auto task = create_task(run(Runner{name, root}, script), options...);
        tasks_.emplace_back(std::move(name), task);
        return task;
    }
    void start_in(TaskGroup& group, std::string name, std::size_t root, const Script& script) {
        auto task = group.create_task(run(Runner{name, root}, script));
        tasks_.emplace_back(std::move(name), std::move(task));
    }
    std::vector<NamedTask> start_children(const Runner& me, const Operation& op) {
        std::vector<NamedTask> all;
        for (const Script& script : op.scripts) {
            all.push_back(start(op.name_of(all.size()), me.root, script));
        }
        return all;
    }

    Future<std::string>& future(const Operation& op) { return futures_[op.a % futures_.size()]; }
    const NamedTask& task(const Operation& op) const { return tasks_[op.a % tasks_.size()].second; }
    /// A task that cannot be waiting for this one; or none.
    std::optional<NamedTask> later_root(const Runner& me, const Operation& op) const {
        const std::span<const NamedTask> later = std::span(roots_).subspan(me.root + 1);
        if (later.empty()) return std::nullopt;
        return later[op.a % later.size()];
    }

    template <class End>
    std::string end_future(const Operation& op, End end);
    std::optional<std::string> of_futures(const Operation& op);
    std::optional<std::string> of_objects(const Operation& op);
    std::optional<std::string> of_combined(const Operation& op);
    static std::string release(Semaphore& semaphore);
    std::optional<std::string> of_timeouts(const Operation& op);
    std::optional<std::string> of_queue(const Operation& op);
    std::optional<std::string> of_callbacks(const Operation& op);
    std::optional<std::string> registering(const Operation& op);
    std::optional<std::string> plain(const Operation& op);
    void register_with(const AnyFuture& future, const Operation& op);
    void call(const Operation& of);
    bool do_plain(const std::string& name, const Operation& op);

    Coro<std::string> run(Runner me, const Script& script);
    Coro<std::string> waiting(const Runner& me, const Operation& op);
    Coro<std::string> of_tasks(const Runner& me, const Operation& op);
    Coro<std::string> scope(const Runner& me, const Operation& op);
    Coro<std::string> children(const Runner& me, const Operation& op);
    std::vector<Future<std::string>> given(const Runner& me, const Operation& op);
    Coro<std::string> wait_for_all(std::vector<Future<std::string>> futures, const Operation& op);
    Coro<std::string> with_timeout(const Runner& me, const Operation& op);
    Coro<std::string> complete_children(const Runner& me, const Operation& op);
    Coro<std::string> group(const Runner& me, const Operation& op);

    bool newer_;
    std::array<Future<std::string>, 3> futures_;
    std::array<Lock, 2> locks_;
    Semaphore semaphore_{1};
    BoundedSemaphore bounded_{2};
    std::array<Semaphore*, 2> semaphores_{&semaphore_, &bounded_};
    Event event_;
    Condition condition_;
    Queue<std::size_t> queue_{1};
    Barrier barrier_{2};
    std::deque<std::pair<std::string, NamedTask>> tasks_; // all of them, by creation
    std::vector<NamedTask> roots_;
    std::deque<Timeout> timeouts_;
    std::vector<AnyFuture> combined_;
    unsigned counter_ = 0;
    std::vector<std::pair<AnyFuture, CallbackId>> registered_;
    std::vector<std::variant<Handle, TimerHandle>> handles_;
};

// ---- what does not wait -------------------------------------------------------------------------

template <class End>
std::string World::end_future(const Operation& op, End end) {
    if (future(op).done()) {
        future(op) = Future<std::string>();
        return "renewed";
    }
    end(future(op));
    return "set";
}

std::optional<std::string> World::of_futures(const Operation& op) {
    if (op.kind == "set_result") {
        return end_future(op, [&op](auto& it) { it.set_result(std::to_string(op.number)); });
    }
    if (op.kind == "set_exception") {
        return end_future(op, [&op](auto& it) { it.set_exception(op.error()); });
    }
    const std::string message = "by " + std::to_string(op.number);
    if (op.kind == "cancel_future") return text_of(future(op).cancel(message));
    if (op.kind == "cancel") return text_of(task(op).cancel(message));
    if (op.kind == "cancelling") return text_of(task(op).cancelling());
    if (op.kind == "uncancel") return text_of(task(op).uncancel());
    return std::nullopt;
}

std::optional<std::string> World::of_combined(const Operation& op) {
    if (op.kind == "gather_later") {
        std::vector<AnyFuture> given{future(op), futures_[op.b % futures_.size()]};
        if (!combined_.empty()) given.push_back(combined_.back());
        combined_.push_back(op.b % 2 == 0 ? AnyFuture(gather_outcomes(given))
                                          : AnyFuture(gather(given)));
    } else if (op.kind == "shield_later") {
        const AnyFuture last = combined_.empty() ? AnyFuture(futures_.back()) : combined_.back();
        combined_.emplace_back(shield(last));
    } else if (op.kind == "cancel_combined") {
        if (combined_.empty()) return "none";
        const AnyFuture& one = combined_[op.a % combined_.size()];
        const bool taken = one.cancel("by " + std::to_string(op.number));
        return text_of(std::vector<bool>{taken, one.done(), one.cancelled()});
    } else {
        return std::nullopt;
    }
    return "None";
}

std::optional<std::string> World::of_objects(const Operation& op) {
    if (op.kind == "event_set") {
        event_.set();
    } else if (op.kind == "event_clear") {
        event_.clear();
    } else if (op.kind == "release_lock") {
        Lock& lock = locks_[op.a % locks_.size()];
        if (!lock.locked()) return "not locked";
        lock.release();
    } else if (op.kind == "release_semaphore") {
        return release(*semaphores_[op.a % semaphores_.size()]);
    } else if (op.kind == "notify") {
        if (!condition_.locked()) return "not locked";
        condition_.notify(1 + static_cast<int>(op.b));
    } else if (op.kind == "count") {
        return std::to_string(++counter_);
    } else if (op.kind == "raise") {
        std::rethrow_exception(op.error());
    } else if (op.kind == "set_variable") {
        variable.set(op.number);
    } else if (op.kind == "get_variable") {
        return std::to_string(variable.get());
    } else {
        return std::nullopt;
    }
    return "None";
}

std::string World::release(Semaphore& semaphore) {
    try {
        semaphore.release();
        return "None";
    } catch (const ValueError&) {
        return "too often";
    }
}

std::optional<std::string> World::of_timeouts(const Operation& op) {
    if (op.kind == "expired") {
        std::vector<bool> all;
        for (const Timeout& one : timeouts_) all.push_back(one.expired());
        return text_of(all);
    }
    if (op.kind != "reschedule") return std::nullopt;
    if (timeouts_.empty()) return "none";
    try {
        std::optional<TimePoint> when;
        if (op.b < 3) when = loop().time() + seconds_of(op);
        timeouts_[op.a % timeouts_.size()].reschedule(when);
        return "None";
    } catch (const RuntimeError& error) {
        return error.what();
    }
}

std::optional<std::string> World::of_queue(const Operation& op) {
    try {
        if (op.kind == "get_nowait") return std::to_string(queue_.get_nowait());
        if (op.kind == "put_nowait") {
            queue_.put_nowait(op.number);
        } else if (op.kind == "task_done") {
            queue_.task_done();
        } else if (op.kind == "shut_down") {
            queue_.shutdown(op.b % 2 == 1 ? Shutdown::immediate : Shutdown::drain);
        } else {
            return std::nullopt;
        }
        return "None";
    } catch (const QueueFull&) {
        return "full";
    } catch (const QueueEmpty&) {
        return "empty";
    } catch (const QueueShutDown&) {
        return "shut down";
    } catch (const ValueError&) {
        return "too often";
    }
}

// ---- callbacks ----------------------------------------------------------------------------------

std::optional<std::string> World::of_callbacks(const Operation& op) {
    if (op.kind == "remove_callback") {
        if (registered_.empty()) return "none";
        const auto& [future, callback] = registered_[op.a % registered_.size()];
        return text_of(future.remove_done_callback(callback));
    }
    if (op.kind == "cancel_handle") {
        if (handles_.empty()) return "none";
        std::visit([](auto& handle) { handle.cancel(); }, handles_[op.a % handles_.size()]);
        return "None";
    }
    return std::nullopt;
}

std::optional<std::string> World::registering(const Operation& op) {
    const auto callback = [this, &op] { call(op); };
    if (op.kind == "soon") {
        handles_.emplace_back(loop().call_soon(callback));
    } else if (op.kind == "later") {
        handles_.emplace_back(loop().call_later(seconds_of(op) - 1s, callback));
    } else if (op.kind == "when_future") {
        register_with(AnyFuture(future(op)), op);
    } else if (op.kind == "when_task") {
        register_with(AnyFuture(task(op)), op);
    } else {
        return std::nullopt;
    }
    return "None";
}

void World::register_with(const AnyFuture& future, const Operation& op) {
    registered_.emplace_back(future, future.add_done_callback([this, &op] { call(op); }));
}

void World::call(const Operation& of) {
    for (const Operation& op : of.scripts[0]) do_plain("callback " + std::to_string(of.number), op);
}

std::optional<std::string> World::plain(const Operation& op) {
    for (const auto part :
         {&World::of_futures, &World::of_combined, &World::of_objects, &World::of_timeouts,
          &World::of_queue, &World::of_callbacks, &World::registering}) {
        if (auto end = (this->*part)(op)) return end;
    }
    return std::nullopt;
}

/// False: the operation has to wait.
bool World::do_plain(const std::string& name, const Operation& op) {
    const bool waits = !is_one_of(plain_kinds, op.kind) && !is_one_of(newer_plain_kinds, op.kind) &&
                       !is_one_of(registering_kinds, op.kind);
    if (waits) return false;
    log(name + " " + op.text());
    log(name + " " + std::to_string(op.number) + ": " + plain(op).value());
    return true;
}

// ---- tasks --------------------------------------------------------------------------------------

Coro<std::string> World::run(Runner me, const Script& script) {
    for (const Operation& op : script) {
        if (do_plain(me.name, op)) continue;
        log(me.name + " " + op.text());
        const auto end = co_await outcome(waiting(me, op));
        const bool delivered =
            end.cancelled() && std::ranges::find(shows_message, op.kind) != shows_message.end();
        log(me.name + " " + std::to_string(op.number) + ": " +
            (delivered ? repr(end.exception()) : text(end)));
        end.value();
    }
    co_return me.name;
}

Coro<std::string> World::waiting(const Runner& me, const Operation& op) {
    if (!op.scripts.empty()) co_return co_await scope(me, op);
    if (op.kind == "yield") {
        co_await turns(1 + static_cast<int>(op.b));
    } else if (op.kind == "sleep") {
        co_await sleep(seconds_of(op) - 1s);
    } else if (op.kind == "event_wait") {
        co_await event_.wait();
    } else if (op.kind == "put") {
        co_await queue_.put(op.number);
    } else if (op.kind == "get") {
        co_return std::to_string(co_await queue_.get());
    } else if (op.kind == "join") {
        co_await queue_.join();
    } else if (op.kind == "barrier") {
        co_return std::to_string(co_await barrier_.wait());
    } else if (op.kind == "barrier_reset") {
        co_await barrier_.reset();
    } else if (op.kind == "barrier_abort") {
        co_await barrier_.abort();
    } else if (op.kind == "condition_wait") {
        const auto guard = co_await condition_.scoped();
        co_return text_of(co_await condition_.wait());
    } else if (op.kind == "condition_wait_for") {
        const auto guard = co_await condition_.scoped();
        const auto is_reached = [this, &op] { return counter_ > op.b; };
        co_return text_of(co_await condition_.wait_for(is_reached));
    } else {
        co_return co_await of_tasks(me, op);
    }
    co_return "None";
}

Coro<std::string> World::of_tasks(const Runner& me, const Operation& op) {
    if (op.kind == "await_future") {
        const auto awaited = future(op); // by then it may be another one
        co_return co_await awaited;
    }
    if (op.kind == "shield_future") co_return co_await shield(future(op));
    if (op.kind == "await_combined") {
        if (!combined_.empty()) co_await combined_[op.a % combined_.size()];
        co_return "None";
    }
    if (op.kind == "wait_given") co_return co_await wait_for_all(given(me, op), op);
    if (op.kind == "gather_given") {
        if (op.b % 2 == 0) co_return texts(co_await gather_outcomes(given(me, op)));
        co_return texts(co_await gather(given(me, op)));
    }
    const auto later = later_root(me, op);
    if (!later) co_return "None";
    if (op.kind == "await_task") co_return co_await *later;
    if (op.kind == "shield_task") co_return co_await shield(*later);
    co_return co_await wait_for(*later, seconds_of(op)); // wait_for_task
}

std::vector<Future<std::string>> World::given(const Runner& me, const Operation& op) {
    std::vector<Future<std::string>> all{future(op), futures_[op.b % futures_.size()]};
    if (const auto later = later_root(me, op)) all.push_back(*later);
    return all;
}

std::optional<Duration> limit_of(const Operation& op) {
    if (op.b == 0) return std::nullopt;
    return seconds_of(op);
}

Coro<std::string> World::wait_for_all(std::vector<Future<std::string>> futures,
                                      const Operation& op) {
    const WaitOptions options =
        WaitOptions(return_when[op.a % return_when.size()]).timeout(limit_of(op));
    const auto result = co_await wait(futures, options);
    std::vector<std::string> are_done;
    for (const auto& future : futures) {
        are_done.push_back(text_of(std::ranges::find(result.done, future) != result.done.end()));
    }
    co_return texts(are_done);
}

/// As `async with`: somebody may have released it meanwhile, and then that is the error.
template <class P, class B>
Coro<std::string> hold(P& primitive, B body) {
    co_await primitive.acquire();
    const auto end = co_await outcome(body());
    primitive.release();
    co_return end.value();
}

Coro<std::string> World::scope(const Runner& me, const Operation& op) {
    const std::chrono::seconds limit(op.b);
    const auto body = [&] { return run(me, op.scripts[0]); };
    if (op.kind == "lock") co_return co_await hold(locks_[op.a % locks_.size()], body);
    if (op.kind == "semaphore") {
        co_return co_await hold(*semaphores_[op.a % semaphores_.size()], body);
    }
    if (op.kind == "condition") co_return co_await hold(condition_, body);
    if (op.kind == "timeout") co_return co_await with_timeout(me, op);
    if (op.kind == "wait_for") co_return co_await wait_for(body(), limit);
    if (op.kind == "finally") {
        const auto clean_up = [&] { return run(me, op.scripts[1]); };
        co_return co_await finally_(body, clean_up);
    }
    if (op.kind == "swallow" || op.kind == "catch") {
        const auto end = co_await outcome(body());
        if (op.kind == "swallow" && end.cancelled()) co_return "swallowed " + text(end);
        if (op.kind == "catch" && end.has_exception()) co_return "caught " + text(end);
        co_return end.value();
    }
    co_return co_await children(me, op);
}

Coro<std::string> World::with_timeout(const Runner& me, const Operation& op) {
    if (!newer_ && current_task().cancelling() > 0) {
        co_return "not in 3.11.2, where it would not tell its own cancel from the other";
    }
    const auto body = [&] { return run(me, op.scripts[0]); };
    Timeout& scope = timeouts_.emplace_back(loop().time() + seconds_of(op));
    co_return co_await scope.with(body);
}

Coro<std::string> World::children(const Runner& me, const Operation& op) {
    if (op.kind == "group") co_return co_await group(me, op);
    if (op.kind == "spawn_eagerly") {
        start(op.name_of(0), me.root, op.scripts[0], TaskOptions().eager_start(true));
        co_return "None";
    }
    if (op.kind == "as_completed") co_return co_await complete_children(me, op);
    const auto tasks = start_children(me, op);
    if (op.kind == "wait") {
        std::vector<Future<std::string>> futures(tasks.begin(), tasks.end());
        co_return co_await wait_for_all(std::move(futures), op);
    }
    if (op.kind == "gather") co_return texts(co_await gather(tasks));
    if (op.kind == "gather_outcomes") co_return texts(co_await gather_outcomes(tasks));
    if (op.kind == "shield") co_return co_await shield(tasks[0]);
    co_return "None"; // spawn
}

Coro<std::string> World::complete_children(const Runner& me, const Operation& op) {
    std::vector<Outcome<std::string>> ends;
    auto completed = as_completed(start_children(me, op), limit_of(op));
    for (auto&& following : completed) {
        ends.push_back(co_await outcome(std::move(following)));
        if (ends.back().cancelled()) ends.back().value();
    }
    co_return texts(ends);
}

Coro<std::string> World::group(const Runner& me, const Operation& op) {
    const auto body = [&](TaskGroup& group) {
        for (std::size_t i = 1; i < op.scripts.size(); ++i) {
            start_in(group, op.name_of(i - 1), me.root, op.scripts[i]);
        }
        return run(me, op.scripts[0]);
    };
    co_return co_await task_group(body);
}

Coro<> World::end() {
    for (int round = 0; round < rounds_max; ++round) {
        std::vector<NamedTask> pending;
        for (const auto& [name, task] : tasks_) {
            if (!task.done()) pending.push_back(task);
        }
        if (pending.empty()) break;
        co_await wait(pending, WaitOptions().timeout(8s));
        log_time("round " + std::to_string(round));
        for (const auto& [name, task] : tasks_) {
            if (!task.done()) task.cancel("the end");
        }
    }
    for (const auto& [name, task] : tasks_) {
        const char* const end = task.cancelled() ? "cancelled" : task.done() ? "done" : "goes on";
        log(name + ": " + end);
    }
    for (auto& handle : handles_) std::visit([](auto& one) { one.cancel(); }, handle);
    co_await turns(callback_turns_max);
}

// ---- running them -------------------------------------------------------------------------------

Coro<> run_to_end(std::uint64_t seed, Mode mode) {
    const std::vector<Script> scripts = Maker(seed, mode).program();
    World world(scripts, mode);
    co_await world.end();
}

Coro<> run_program(std::uint64_t seed, Mode mode) {
    std::vector<std::string> unseen;
    loop().set_exception_handler([&unseen, mode](EventLoop&, const ExceptionContext& context) {
        const std::string error = text(Outcome<std::string>::with_exception(context.exception));
        if (context.message.starts_with("Exception in callback")) {
            log("handler: " + error);
        } else if (!mode.shields) { // CPython before 3.14 has no report of what a shield left
            unseen.push_back(context.message + ": " + error);
        }
    });
    co_await run_to_end(seed, mode);
    std::ranges::sort(unseen);
    for (const std::string& line : unseen) log(line);
    loop().set_exception_handler(nullptr); // it holds a reference to `unseen`
}

} // namespace

int main() {
    const char* const wanted = std::getenv("ASYNCIO_PARITY_PROGRAMS");
    const int programs = wanted != nullptr ? std::stoi(wanted) : default_programs;
    for (const bool newer : {false, true}) {
        for (int seed = 1; seed <= programs; ++seed) {
            const std::string title = "program " + std::to_string(seed) + (newer ? " (3.13)" : "");
            const Mode mode{newer, seed % 2 == 0};
            const auto body = [=] { return run_program(static_cast<std::uint64_t>(seed), mode); };
            const Registration registered(title, Body(body));
        }
    }
    return run_all();
}
