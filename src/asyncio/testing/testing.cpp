// SPDX-License-Identifier: MIT
// The runner of cases: registry, command line, results, and the look at what is left.
#include "asyncio/testing/testing.h"

#include "asyncio/testing/sweep.h"
#include "base/frame_pool.h"
#include "os/descriptor.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>
#include <unistd.h> // tidy: system: an alarm ends a case that hangs

namespace asyncio::testing {

namespace {

constexpr unsigned case_seconds_max = 300; // real time; a case that hangs ends the program

struct Case {
    const char* file;
    const char* name;
    CaseFunction run;
};

std::vector<Case>& cases() {
    static std::vector<Case> all;
    return all;
}

struct State {
    std::mutex lock;
    std::vector<std::string> failures;
    std::vector<LogRecord> logs;
    std::string skipped; // why the running case is
    std::uint64_t seed = 0;
};
State state;

void collect_log(LogLevel level, std::string_view text) {
    const std::scoped_lock hold(state.lock);
    state.logs.push_back({level, std::string(text)});
}

void check_logs() {
    for (const LogRecord& record : take_logs()) {
        if (record.level < LogLevel::warning) continue;
        fail("log", 0, "logged and not looked at: " + record.text);
    }
}

std::string base_name(const char* file) {
    const char* slash = std::strrchr(file, '/');
    return slash != nullptr ? slash + 1 : file;
}

} // namespace

// ---- checks -------------------------------------------------------------------------------------

void fail(const char* file, int line, std::string_view what) {
    const std::scoped_lock hold(state.lock);
    std::string text = base_name(file) + ":" + std::to_string(line) + ": ";
    state.failures.push_back(text.append(what));
}

void fail_and_end(const char* file, int line, std::string_view what) {
    fail(file, line, what);
    throw CaseEnded();
}

void skip(std::string_view why) {
    state.skipped = why;
    throw CaseEnded();
}

void fail_unequal(const char* file, int line, std::string_view what, std::string_view left,
                  std::string_view right) {
    std::string text(what);
    text.append(": ").append(left).append(" is not ").append(right);
    fail(file, line, text);
}

void forget_failures_after(int count) noexcept {
    const std::scoped_lock hold(state.lock);
    state.failures.resize(static_cast<std::size_t>(count));
}

int failures() noexcept { return static_cast<int>(state.failures.size()); }

void print_failures() {
    for (const std::string& failure : state.failures) std::printf("        %s\n", failure.c_str());
    std::fflush(stdout);
}

std::string text_of(bool value) { return value ? "true" : "false"; }
std::string text_of(std::string_view value) { return "\"" + std::string(value) + "\""; }
std::string text_of(Duration value) { return std::to_string(value.seconds().count()) + " s"; }
std::string text_of(TimePoint value) {
    return "time " + text_of(Duration(value.time_since_epoch()));
}
std::string text_of(const std::exception_ptr& value) { return repr(value); }

void fail_with_current_exception(const char* file, int line, const char* wanted) {
    const std::exception_ptr error = std::current_exception();
    try {
        throw;
    } catch (const CaseEnded&) {
        throw;
    } catch (...) {
        fail(file, line, "threw " + repr(error) + ", not " + wanted);
    }
}

void check_message(std::string_view got, std::string_view wanted, const char* file, int line) {
    if (got.find(wanted) != std::string_view::npos) return;
    fail(file, line, "the message is " + text_of(got) + ", not " + text_of(wanted));
}

// ---- one case -----------------------------------------------------------------------------------

std::vector<LogRecord> take_logs() {
    const std::scoped_lock hold(state.lock);
    return std::exchange(state.logs, {});
}

std::uint64_t seed() noexcept { return state.seed; }

bool full() noexcept {
    const char* value = std::getenv("ASYNCIO_TEST_FULL");
    return value != nullptr && std::strcmp(value, "1") == 0;
}

Baseline Baseline::now() { return {os::open_descriptors_count(), base::frame_stats().live_blocks}; }

std::size_t watched_descriptors_count() {
    std::size_t count = 0;
    std::error_code error; // a descriptor may be gone by the time it is looked at
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo", error)) {
        std::ifstream info(entry.path());
        for (std::string line; std::getline(info, line);) count += line.starts_with("tfd:") ? 1 : 0;
    }
    return count;
}

CaseLoop::CaseLoop(CaseClock clock) : before_(Baseline::now()) {
    LoopOptions options;
    if (clock == CaseClock::virtual_time) options.backend(make_virtual_backend());
    options.shuffle_seed(state.seed);
    loop_.emplace(std::move(options));
    set_event_loop(&*loop_);
}

void CaseLoop::run(Coro<> body) {
    const auto task = loop_->create_task(std::move(body));
    try {
        loop_->run_until_complete(task);
    } catch (const CaseEnded&) {
        // It has said why.
    } catch (const CancelledError&) {
        fail("case", 0, "the body was cancelled");
    } catch (...) {
        fail("case", 0, "the body threw " + repr(std::current_exception()));
    }
}

void CaseLoop::check_idle() {
    const bool passed_so_far = failures() == 0;
    for (const AnyTask& task : all_tasks(*loop_)) {
        if (!task.done()) fail("case", 0, "left running: " + to_string(task));
    }
    if (loop_->timer_count() != 0) {
        fail("case", 0, std::to_string(loop_->timer_count()) + " timers left armed");
    }
    if (!passed_so_far) return;
    loop_->run_until_complete(loop_->shutdown_asyncgens());
    loop_->run_until_complete(loop_->shutdown_default_executor());
}

namespace {

/// What is in use; not before threads that a closed loop has left alone have let go of theirs.
Baseline settled(const Baseline& wanted) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    Baseline now = Baseline::now();
    while (now.descriptors != wanted.descriptors || now.blocks != wanted.blocks) {
        if (std::chrono::steady_clock::now() >= give_up) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        now = Baseline::now();
    }
    return now;
}

} // namespace

void CaseLoop::close() {
    if (!loop_) return;
    set_event_loop(nullptr);
    loop_.reset();
    if (failures() != 0) return; // what is left then is no news
    const Baseline after = settled(before_);
    if (after.descriptors != before_.descriptors) {
        fail("case", 0,
             "descriptors: " + std::to_string(before_.descriptors) + " before, " +
                 std::to_string(after.descriptors) + " after");
    }
    if (after.blocks != before_.blocks) {
        fail("case", 0,
             "frames and states: " + std::to_string(before_.blocks) + " before, " +
                 std::to_string(after.blocks) + " after");
    }
}

void run_case(Coro<> (*body)(), CaseClock clock) {
    CaseLoop of_case(clock);
    of_case.run(body());
    of_case.check_idle();
    of_case.close();
}

// ---- all cases ----------------------------------------------------------------------------------

Registration::Registration(const char* file, const char* name, CaseFunction run) {
    cases().push_back({file, name, run});
}

namespace {

struct CommandLine {
    std::string filter;
    std::string results;
    std::size_t part = 1; // of the cases, the first, one in `parts`
    std::size_t parts = 1;
    bool list = false;
};

// "2/3"
bool parse_part(const char* text, CommandLine& line) {
    char* end = nullptr;
    line.part = std::strtoull(text, &end, 10);
    if (*end != '/') return false;
    line.parts = std::strtoull(end + 1, &end, 10);
    return *end == '\0' && line.part >= 1 && line.part <= line.parts;
}

std::optional<CommandLine> parse(int argc, char** argv) {
    CommandLine line;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        const char* value = i + 1 < argc ? argv[i + 1] : "";
        if (word == "--list") {
            line.list = true;
        } else if (word == "--filter") {
            line.filter = value;
            ++i;
        } else if (word == "--results") {
            line.results = value;
            ++i;
        } else if (word == "--seed") {
            state.seed = std::strtoull(value, nullptr, 10);
            ++i;
        } else if (word == "--part" && parse_part(value, line)) {
            ++i;
        } else {
            return std::nullopt;
        }
    }
    return line;
}

std::vector<Case> chosen_cases(const CommandLine& line) {
    std::vector<Case> chosen;
    std::size_t found = 0;
    for (const Case& one : cases()) {
        if (std::string_view(one.name).find(line.filter) == std::string_view::npos) continue;
        if (found++ % line.parts == line.part - 1) chosen.push_back(one);
    }
    return chosen;
}

enum class Verdict : unsigned char { pass, fail, skip };
constexpr const char* verdict_names[] = {"pass", "fail", "skip"};

Verdict run_one(const Case& one) {
    state.failures.clear();
    state.skipped.clear();
    take_logs();
    ::alarm(case_seconds_max);
    try {
        one.run();
    } catch (const CaseEnded&) {
        // It has said why.
    } catch (...) {
        fail(one.file, 0, "threw " + repr(std::current_exception()));
    }
    check_logs();
    ::alarm(0);
    if (!state.failures.empty()) {
        std::printf("FAILED  %s\n", one.name);
        print_failures();
        return Verdict::fail;
    }
    if (state.skipped.empty()) return Verdict::pass;
    std::printf("skipped %s\n        %s\n", one.name, state.skipped.c_str());
    return Verdict::skip;
}

void close_results(std::FILE* results) {
    for (const std::string& strikes : sweep_coverage()) {
        std::fprintf(results, "swept\t%s\n", strikes.c_str());
    }
    std::fclose(results);
}

} // namespace

int run_all(int argc, char** argv) {
    const std::optional<CommandLine> line = parse(argc, argv);
    if (!line) {
        std::fprintf(
            stderr, "usage: %s [--filter TEXT] [--seed N] [--part I/N] [--list] [--results FILE]\n",
            argv[0]);
        return 2;
    }
    const std::vector<Case> chosen = chosen_cases(*line);
    if (line->list) {
        for (const Case& one : chosen) std::printf("%s\n", one.name);
        return 0;
    }
    std::FILE* results = line->results.empty() ? nullptr : std::fopen(line->results.c_str(), "a");
    if (!line->results.empty() && results == nullptr) {
        std::fprintf(stderr, "%s: cannot be written\n", line->results.c_str());
        return 2;
    }
    set_log_handler(&collect_log);
    int counts[std::size(verdict_names)] = {};
    for (const Case& one : chosen) {
        const auto verdict = static_cast<std::size_t>(run_one(one));
        ++counts[verdict];
        if (results != nullptr) {
            std::fprintf(results, "%s\t%s\t%s\n", verdict_names[verdict],
                         base_name(one.file).c_str(), one.name);
            std::fflush(results);
        }
    }
    if (results != nullptr) close_results(results);
    set_log_handler(nullptr);
    if (state.seed != 0) std::printf("seed %llu\n", static_cast<unsigned long long>(state.seed));
    const auto [passed, failed, skipped] = counts;
    std::printf("%d passed, %d failed", passed, failed);
    if (skipped != 0) std::printf(", %d skipped", skipped);
    std::printf("\n");
    return failed == 0 ? 0 : 1;
}

} // namespace asyncio::testing
