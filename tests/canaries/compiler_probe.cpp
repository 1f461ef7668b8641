// SPDX-License-Identifier: MIT
// Which of g++ 12's defects around co_await this compiler has, and that our forms evade them.
//
// Prints a line a rule. Each attempt runs in a process of its own, so that a crash is an answer.
// The defects are shown on a bare coroutine type, the safe forms on asyncio's own; the exit status
// is 1 if a safe form fails.
#include <asyncio/asyncio.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace {

enum Verdict : int { fine = 0, destroyed_twice = 1, leaked = 2, went_wrong = 3, unknown = 4 };

int live = 0; // Things made and not destroyed

class Thing {
public:
    explicit Thing(int n = 0) noexcept : number(n) { ++live; }
    Thing(const Thing& other) noexcept : number(other.number) { ++live; }
    Thing(Thing&& other) noexcept : number(other.number) { ++live; }
    Thing& operator=(const Thing&) noexcept = default;
    Thing& operator=(Thing&&) noexcept = default;
    ~Thing() { --live; }

    int number;
};

Verdict balance() {
    if (live < 0) return destroyed_twice;
    return live > 0 ? leaked : fine;
}

// ---- the defects, on the smallest coroutine there is --------------------------------------------

struct Bare {
    struct promise_type {
        Bare get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        void unhandled_exception() const noexcept { std::abort(); }
    };
};

template <class T>
struct Ready {
    T value;
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    T await_resume() const { return value; }
};

template <class F>
std::suspend_never call(F&& f) {
    f();
    return {};
}

struct Aggregate {
    Thing thing;
    int number = 0;
};

std::suspend_never take(const Aggregate&) { return {}; }
std::suspend_never take_thing(const Thing&) { return {}; }

Bare closure_in_await() {
    Thing thing(1);
    // tidy: gcc12: the defect itself
    co_await call([thing] { return thing.number; });
}

Bare aggregate_in_await() {
    Thing thing(1);
    co_await take(Aggregate{thing, 2});
}

Bare choice_in_await(bool first) {
    Thing thing(1);
    // tidy: gcc12: the defect itself
    co_await take_thing(first ? Thing(2) : Thing(3));
}

std::array<char, 16> trace{};
std::size_t traced = 0;
void note(char event) {
    if (traced + 1 < trace.size()) trace[traced++] = event;
}
int rounds = 0;

struct Lazy {
    struct promise_type : Bare::promise_type {
        Lazy get_return_object() noexcept {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() const noexcept { return {}; }
    };
    std::coroutine_handle<promise_type> handle;
};

// A body without any declaration, of a coroutine that starts suspended.
Lazy condition_without_declaration() {
    // tidy: gcc12: the defect itself
    if (co_await Ready<bool>(true)) {
        note('a');
    } else {
        note('b');
    }
    // tidy: gcc12: the defect itself
    while (co_await Ready<bool>(rounds < 2)) {
        ++rounds;
        note('c');
    }
    note('d');
}

// A promise that hands awaiters through.
struct Forwarding {
    struct promise_type : Bare::promise_type {
        Forwarding get_return_object() noexcept { return {}; }
        template <class A>
        A&& await_transform(A&& awaiter) const noexcept {
            return std::forward<A>(awaiter);
        }
    };
};

struct Counting {
    int awaits = 0;
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() noexcept { ++awaits; }
};

Forwarding await_forwarded(Counting& awaiter) { co_await awaiter; }

// ---- processes ----------------------------------------------------------------------------------

void silence() {
    const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    ::dup2(null, STDERR_FILENO);
}

constexpr int exit_base = 40; // a sanitizer's own status is another

// What `attempt` answers in a process of its own; a crash and a hang are `went_wrong`.
Verdict in_child(Verdict (*attempt)(), bool quiet) {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child < 0) return unknown;
    if (child == 0) {
        if (quiet) silence();
        ::alarm(60);
        live = 0;
        ::_exit(exit_base + attempt());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFEXITED(status)) return went_wrong;
    const int code = WEXITSTATUS(status) - exit_base;
    return code >= 0 && code <= unknown ? static_cast<Verdict>(code) : went_wrong;
}

// Does the compiler that made this program compile `program`?
Verdict compiles(const char* program) {
#if defined(__clang__)
    const std::string compiler = "clang++-" + std::to_string(__clang_major__);
#else
    const std::string compiler = "g++-" + std::to_string(__GNUC__);
#endif
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return unknown;
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child < 0) return unknown;
    if (child == 0) {
        silence();
        ::dup2(pipe[0], STDIN_FILENO);
        ::execlp(compiler.c_str(), compiler.c_str(), "-std=c++20", "-x", "c++", "-S", "-o",
                 "/dev/null", "-", nullptr);
        ::_exit(127);
    }
    ::close(pipe[0]);
    const std::string text(program);
    const bool written = ::write(pipe[1], text.data(), text.size()) == ssize_t(text.size());
    ::close(pipe[1]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!written || !WIFEXITED(status) || WEXITSTATUS(status) == 127) return unknown;
    return WEXITSTATUS(status) == 0 ? fine : went_wrong;
}

constexpr const char* list_in_await = R"(
#include <coroutine>
#include <initializer_list>
struct Bare {
    struct promise_type {
        Bare get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};
std::suspend_never take(std::initializer_list<int>) { return {}; }
Bare go() { co_await take({1, 2, 3}); }
int main() { go(); }
)";

// ---- the safe forms, on asyncio's own types -----------------------------------------------------

using asyncio::Coro;

Coro<int> give(Thing thing) {
    co_await asyncio::yield_now();
    co_return thing.number;
}

Coro<bool> closures() {
    Thing thing(1);
    int sum = 0;
    // References only; values as arguments; a closure with a name; two statements.
    const int by_reference =
        co_await asyncio::create_task([&thing]() -> Coro<int> { return give(thing); });
    const auto run = [](Thing one, Thing two) -> Coro<int> {
        co_await asyncio::yield_now();
        co_return one.number + two.number;
    };
    const int by_arguments = co_await asyncio::create_task(run, thing, Thing(2));
    const auto named = [thing]() -> Coro<int> { return give(thing); };
    const int by_name = co_await asyncio::create_task(named);
    auto task = asyncio::create_task([thing]() -> Coro<int> { return give(thing); });
    const int in_two = co_await std::move(task);
    const auto add = [&sum](const Thing& a, const Thing& b) { sum = a.number + b.number; };
    co_await asyncio::to_thread(add, thing, Thing(4));
    co_return by_reference == 1 && by_arguments == 3 && by_name == 1 && in_two == 1 && sum == 5;
}

Coro<bool> options() {
    const std::string name(100, 'n');
    const auto task = asyncio::create_task(give(Thing(1)), asyncio::TaskOptions().name(name));
    const int one = co_await asyncio::create_task(
        give(Thing(2)), asyncio::TaskOptions().name(std::string(100, 'x')).eager_start(true));
    const int two = co_await asyncio::wait_for(give(Thing(3)), std::chrono::seconds(5));
    std::vector<asyncio::Task<int>> tasks{task};
    const auto result =
        co_await asyncio::wait(tasks, asyncio::WaitOptions().timeout(std::chrono::seconds(5)));
    const std::string slept = co_await asyncio::sleep(std::chrono::milliseconds(1), name);
    co_return one == 2 && two == 3 && result.done.size() == 1 &&
        task.get_name() == name&& slept == name;
}

Coro<bool> lists() {
    const auto some = co_await asyncio::gather(give(Thing(1)), give(Thing(2)), give(Thing(3)));
    std::vector<Coro<int>> named;
    for (int i = 0; i < 3; ++i) named.push_back(give(Thing(i)));
    const std::vector<int> all = co_await asyncio::gather(std::move(named));
    co_return std::get<2>(some) == 3 && all == std::vector<int>{0, 1, 2};
}

Coro<bool> choices() {
    int sum = 0;
    for (const bool first : {true, false}) {
        if (first) {
            sum += co_await give(Thing(1));
        } else {
            sum += co_await give(Thing(2));
        }
        const int number = first ? 10 : 20; // scalars are fine
        sum += co_await give(Thing(number));
    }
    co_return sum == 33;
}

Coro<bool> conditions() {
    using Declaration [[maybe_unused]] = int; // any one declaration is enough
    std::string events;
    if (co_await give(Thing(1)) == 1) events += 'a';
    while (co_await give(Thing(static_cast<int>(events.size()))) < 3) events += 'b';
    if (co_await give(Thing(0)) == 1 || co_await give(Thing(2)) == 2) events += 'c';
    co_return events == "abbc";
}

Coro<bool> awaiters() {
    Counting counting;
    co_await counting;
    co_await counting;
    auto pending = asyncio::sleep(std::chrono::milliseconds(1));
    co_await pending; // an lvalue twice: its awaiter is made anew, and never copied
    co_await pending;
    static_assert(!std::is_copy_constructible_v<asyncio::detail::SleepAwaiter>);
    co_return counting.awaits == 2;
}

template <Coro<bool> (*Form)()>
Verdict safe() {
    bool holds = false;
    try {
        holds = asyncio::run(Form());
    } catch (...) {
        return went_wrong;
    }
    return holds ? balance() : went_wrong;
}

// ---- the rules ----------------------------------------------------------------------------------

struct Rule {
    const char* name;
    Verdict (*attempt)();
    Verdict (*safe_form)();
};

const Rule rules[] = {
    {"G1 closure temporaries in await expressions",
     [] {
         closure_in_await();
         return balance();
     },
     &safe<closures>},
    {"G2 aggregate temporaries in await expressions",
     [] {
         aggregate_in_await();
         return balance();
     },
     &safe<options>},
    {"G3 lists in braces in await expressions", [] { return compiles(list_in_await); },
     &safe<lists>},
    {"G4 ?: between objects in await expressions",
     [] {
         choice_in_await(true);
         choice_in_await(false);
         return balance();
     },
     &safe<choices>},
    {"G5 co_await in conditions of a body without a declaration",
     [] {
         condition_without_declaration().handle.resume();
         return std::string(trace.data()) == "accd" ? fine : went_wrong;
     },
     &safe<conditions>},
    {"G6 await_transform that returns a reference",
     [] {
         Counting awaiter;
         await_forwarded(awaiter);
         return awaiter.awaits == 1 ? fine : went_wrong;
     },
     &safe<awaiters>},
};

const char* text_of(Verdict verdict, bool compile_time) {
    switch (verdict) {
    case fine: return "right here";
    case destroyed_twice: return "destroyed twice - rule applies";
    case leaked: return "not destroyed - rule applies";
    case went_wrong:
        return compile_time ? "not compiled - rule applies" : "goes wrong - rule applies";
    case unknown: break;
    }
    return "not tried, the compiler is not here";
}

} // namespace

int main() {
    std::printf("compiler: %s\n", __VERSION__);
    int failed = 0;
    for (const Rule& rule : rules) {
        const bool compile_time = rule.name[1] == '3';
        const Verdict found = in_child(rule.attempt, true);
        const Verdict evaded = in_child(rule.safe_form, false);
        std::printf("%s: %s; safe forms %s\n", rule.name, text_of(found, compile_time),
                    evaded == fine ? "hold" : "FAIL");
        failed += evaded == fine ? 0 : 1;
    }
    return failed == 0 ? 0 : 1;
}
