// SPDX-License-Identifier: MIT
// Part 2: a pipeline. One task finds files, a queue hands them on, some tasks hash them in threads.
#include "programs/atour/sums.h"

#include "programs/atour/task_tree.h"
#include "programs/terminal/figures.h"
#include "programs/terminal/usage.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <thread>

namespace atour {

using namespace terminal;

namespace fs = std::filesystem;

namespace {

constexpr std::size_t queue_length = 64;
constexpr std::size_t named_max = 100; // of those that could not be read, on the screen

struct LargestFile {
    fs::path path;
    HashedFile file;
};

/// What came of it so far.
struct Tally {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
    std::uint64_t skipped = 0;
    std::uint64_t vanished = 0;
    std::uint64_t unreadable = 0;
    std::vector<Unreadable> named; // the first of the unreadable ones
    std::optional<LargestFile> largest;
};

/// What the tasks of the pipeline share. They all run on the loop's thread: nothing is locked.
struct Pipeline {
    explicit Pipeline(SumsJob given) : job(std::move(given)) {}

    SumsJob job;
    asyncio::Queue<fs::path> found{queue_length};
    std::shared_ptr<ReadCount> bytes_read = std::make_shared<ReadCount>(0); // by threads
    asyncio::Event begun; // the first file is being hashed, or there is none
    Tally tally;
};

void add_unreadable(Pipeline& pipeline, const fs::path& path, int errnum) {
    Tally& tally = pipeline.tally;
    ++tally.unreadable;
    if (tally.named.size() < named_max) tally.named.push_back({path, errnum});
    if (pipeline.job.file) {
        pipeline.job.file->add_comment(path.native() + ": " + reason_text(errnum));
    }
}

void add_file(Pipeline& pipeline, const fs::path& path, const HashedFile& file) {
    Tally& tally = pipeline.tally;
    SumsFile* sums = pipeline.job.file.get();
    if (!file.is_regular || (sums != nullptr && file.id == sums->id())) {
        ++tally.skipped;
    } else if (file.errnum == ENOENT) {
        ++tally.vanished;
    } else if (file.errnum != 0) {
        add_unreadable(pipeline, path, file.errnum);
    } else {
        ++tally.files;
        tally.bytes += file.bytes;
        if (sums != nullptr) sums->add(file.digest, path.native());
        if (!tally.largest || tally.largest->file.bytes < file.bytes) tally.largest = {path, file};
    }
}

// ---- the tasks ----------------------------------------------------------------------------------
// LIFETIME: `pipeline` and `console` outlive them: hash_folder() awaits their group.
// What a thread is given it shares: a task that is cancelled does not wait for its thread.

// Waits in put() while the queue is full: the folder is read as fast as the files are hashed.
asyncio::Coro<> find_files(Pipeline& pipeline) {
    const std::shared_ptr<FolderWalk> walk = pipeline.job.walk;
    for (bool more = true; more;) {
        FoundFiles found = co_await asyncio::to_thread(&FolderWalk::next, walk, queue_length);
        pipeline.tally.skipped += found.skipped;
        for (const Unreadable& one : found.unreadable) {
            add_unreadable(pipeline, one.path, one.errnum);
        }
        for (fs::path& path : found.files) co_await pipeline.found.put(std::move(path));
        more = !found.is_last;
    }
    pipeline.found.shutdown(); // what is in it is still hashed
    pipeline.begun.set();
}

// The hashing is computing, so it goes to a thread; this task waits for it like for anything else.
asyncio::Coro<> hash_files(Pipeline& pipeline) {
    const std::shared_ptr<ReadCount> read = pipeline.bytes_read;
    while (std::optional<fs::path> path = co_await pipeline.found.next()) {
        pipeline.begun.set();
        const HashedFile file = co_await asyncio::to_thread(hash_file, *path, read);
        add_file(pipeline, *path, file);
    }
}

asyncio::Coro<> show_tasks(Pipeline& pipeline, Console& console) {
    co_await pipeline.begun.wait();
    console.say("The tasks at this moment, each below the one that waits for it:");
    console.say(task_tree());
}

asyncio::Coro<> run_pipeline(Pipeline& pipeline, std::size_t hashers, Console& console) {
    const auto body = [&](asyncio::TaskGroup& group) -> asyncio::Coro<> {
        group.create_task(find_files(pipeline), "find files");
        for (std::size_t i = 1; i <= hashers; ++i) {
            group.create_task(hash_files(pipeline), "hash " + std::to_string(i));
        }
        group.create_task(show_tasks(pipeline, console), "show tasks");
        co_return;
    };
    co_await asyncio::task_group(body);
}

// One more than there are processors, for files that have to come from a disk; the default executor
// has a few threads more.
std::size_t hashers_count() {
    return std::clamp<std::size_t>(std::thread::hardware_concurrency() + 1, 2, 24);
}

// ---- what is said about it ----------------------------------------------------------------------

std::string rate_text(std::uint64_t files, std::uint64_t bytes, double seconds) {
    const double size = static_cast<double>(bytes);
    return count_text(files, "file") + ", " + bytes_text(size) + " in " + time_text(seconds) +
           ": " + bytes_text(size / std::max(seconds, 1e-6)) + " a second";
}

void say_what_is_left(Console& console, const Pipeline& pipeline) {
    const Tally& tally = pipeline.tally;
    console.say("Cleaning up: the tasks of this part have ended, " +
                count_text(pipeline.found.qsize(), "file") + " in the queue are given up, " +
                grouped(tally.files) + " were done.");
    if (pipeline.job.file) {
        console.say(printable(pipeline.job.file->path()) + " holds the sums of these.");
    }
}

void say_what_was_not_read(Console& console, const Pipeline& pipeline) {
    const Tally& tally = pipeline.tally;
    if (tally.skipped > 0) {
        console.say(grouped(tally.skipped) + " links and special files were passed over.");
    }
    if (tally.vanished > 0) {
        console.say(count_text(tally.vanished, "file") + " vanished meanwhile.");
    }
    if (tally.unreadable == 0) return;
    console.say(grouped(tally.unreadable) + " could not be read:");
    for (const Unreadable& one : tally.named) {
        console.say("  " + printable(one.path.native()) + ": " + reason_text(one.errnum));
    }
    if (tally.unreadable > tally.named.size()) {
        console.say("  and " + grouped(tally.unreadable - tally.named.size()) + " more; " +
                    (pipeline.job.file ? printable(pipeline.job.file->path()) + " names all."
                                       : "--sums FILE would name all."));
    }
}

void say_how_to_check(Console& console, const Pipeline& pipeline) {
    if (const auto& largest = pipeline.tally.largest) {
        console.say("The largest, of " + bytes_text(static_cast<double>(largest->file.bytes)) +
                    ", as sha256sum prints it:");
        console.say("  " + to_hex(largest->file.digest) + "  " + printable(largest->path.native()));
    }
    if (pipeline.job.file) {
        const std::string name = printable(pipeline.job.file->path());
        console.say("All sums are in " + name + "; try: sha256sum --quiet --check " + name);
    }
}

} // namespace

SumsJob open_sums(const std::string& folder, const std::string& sums_file) {
    SumsJob job;
    job.folder = folder;
    job.walk = std::make_shared<FolderWalk>(folder);
    if (!sums_file.empty()) job.file = std::make_shared<SumsFile>(sums_file);
    return job;
}

asyncio::Coro<> hash_folder(Console& console, SumsJob job) {
    const std::size_t hashers = hashers_count();
    console.heading("Real work: the SHA-256 of every file below " + printable(job.folder));
    console.say("One task finds files, " + std::to_string(hashers) +
                " tasks hash them in threads; the queue between them holds " +
                std::to_string(queue_length) + ".");
    const Usage start = usage_now();
    Pipeline pipeline(std::move(job));
    const auto progress = [&] {
        return rate_text(pipeline.tally.files, *pipeline.bytes_read,
                         usage_since(start).wall_seconds) +
               ", " + std::to_string(pipeline.found.qsize()) + " in the queue";
    };
    auto work = with_live_line(console, progress, run_pipeline(pipeline, hashers, console));
    const asyncio::Outcome<> end = co_await asyncio::outcome(std::move(work));
    if (pipeline.job.file) pipeline.job.file->flush();
    if (end.cancelled()) say_what_is_left(console, pipeline);
    end.value(); // passes on what it ended with

    const Tally& tally = pipeline.tally;
    console.say(rate_text(tally.files, tally.bytes, usage_since(start).wall_seconds) + ".");
    say_what_was_not_read(console, pipeline);
    say_how_to_check(console, pipeline);
}

} // namespace atour
