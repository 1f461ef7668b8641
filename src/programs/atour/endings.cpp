// SPDX-License-Identifier: MIT
// Parts 3 and 4: a failure and a time limit. Both are told with the time at which things happen.
#include "programs/atour/endings.h"

#include "os/errors.h"
#include "programs/terminal/figures.h"
#include "programs/terminal/usage.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace atour {

using namespace terminal;

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

/// Lines with the time since the story began.
class Story {
public:
    explicit Story(Console& console) : console_(console) {}

    void tell(const std::string& event) {
        char time[32];
        std::snprintf(time, sizeof time, "%5.2f s  ", usage_since(start_).wall_seconds);
        console_.say(time + event);
    }

private:
    Console& console_; // LIFETIME: main's
    Usage start_ = usage_now();
};

/// A new folder, and what is in it, until the end of the scope: also if that is a cancellation.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (fs::temp_directory_path() / "atour-XXXXXX").native();
        if (::mkdtemp(name.data()) == nullptr) asyncio::os::throw_os_error(errno, "mkdtemp", name);
        path_ = name;
    }
    TemporaryFolder(const TemporaryFolder&) = delete; // it is removed once
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored; // somebody else has removed it
        fs::remove_all(path_, ignored);
    }

    const fs::path& path() const noexcept { return path_; }
    auto files_count() const {
        return std::distance(fs::directory_iterator(path_), fs::directory_iterator());
    }

private:
    fs::path path_;
};

// ---- part 3 -------------------------------------------------------------------------------------

asyncio::Coro<> paint_slowly() { co_await asyncio::sleep(1h); }

asyncio::Coro<> run_out_of_paint() {
    co_await asyncio::sleep(250ms);
    throw asyncio::ValueError("there is no green left");
}

// LIFETIME: `console` is main()'s; `story` and `folder` are of the part that is told, which awaits
// all of them.

// Whether the work returns, fails or is cancelled: the file does not stay.
asyncio::Coro<> paint(Story& story, std::string colour, fs::path file, asyncio::Coro<> work) {
    std::ofstream(file) << "half a picture in " << colour << '\n';
    co_await asyncio::finally_(std::move(work), [&] {
        fs::remove(file);
        story.tell(colour + " removes its file");
    });
}

asyncio::Coro<> paint_together(Story& story, const TemporaryFolder& folder) {
    const auto body = [&](asyncio::TaskGroup& group) -> asyncio::Coro<> {
        const fs::path& in = folder.path();
        group.create_task(paint(story, "red", in / "red", paint_slowly()), "red");
        group.create_task(paint(story, "green", in / "green", run_out_of_paint()), "green");
        group.create_task(paint(story, "blue", in / "blue", paint_slowly()), "blue");
        co_return;
    };
    story.tell("red, green and blue begin, each with a file in " + folder.path().native());
    co_await asyncio::task_group(body);
}

} // namespace

asyncio::Coro<> fail_in_a_group(Console& console) {
    console.heading("Three tasks in a group, and one of them fails");
    Story story(console);
    const TemporaryFolder folder;
    const asyncio::Outcome<> end = co_await asyncio::outcome(paint_together(story, folder));
    if (end.cancelled()) console.say("Cleaning up: the group has ended, and its folder goes.");
    try {
        end.value();
    } catch (const asyncio::ExceptionGroup& group) {
        const auto others =
            group.handle<asyncio::ValueError>([&](const asyncio::ValueError& error) {
                story.tell("the group has ended with " + asyncio::repr(error));
            });
        if (others) throw *others;
    }
    story.tell("files left: " + std::to_string(folder.files_count()) +
               ", tasks left: " + std::to_string(asyncio::all_tasks().size() - 1));
}

// ---- part 4 -------------------------------------------------------------------------------------

namespace {

asyncio::Coro<> sleep_long(Story& story) {
    const asyncio::Outcome<> end = co_await asyncio::outcome(asyncio::sleep(1h));
    story.tell(end.cancelled() ? "the sleeper is cancelled, and may still clean up"
                               : "the sleeper has slept for an hour");
    end.value();
}

} // namespace

asyncio::Coro<> run_out_of_time(Console& console) {
    console.heading("A time limit");
    Story story(console);
    story.tell("a task begins to sleep for an hour, and has 0.25 s");
    try {
        co_await asyncio::timeout(250ms, sleep_long(story));
    } catch (const asyncio::TimeoutError& error) {
        story.tell("its time is over: " + asyncio::repr(error));
    }
}

} // namespace atour
