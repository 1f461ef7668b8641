// SPDX-License-Identifier: MIT
// The text of snapshots:
//
//     asyncio-inspection 1
//     loop        number  1 (it has answered) or 0  thread
//     task        id  name  pending or cancelling
//     call        function  file  line
//     awaited_by  id
//     end
#include "asyncio/snapshots.h"

#include "asyncio/exceptions.h"

#include <charconv>

namespace asyncio {

namespace {

constexpr std::string_view heading = "asyncio-inspection 1";
constexpr std::string_view ending = "end";

// ---- writing ------------------------------------------------------------------------------------

std::string escaped(std::string_view text) {
    std::string safe;
    for (const char c : text) {
        switch (c) {
        case '\t': safe += "\\t"; break;
        case '\n': safe += "\\n"; break;
        case '\\': safe += "\\\\"; break;
        default: safe += c;
        }
    }
    return safe;
}

void add_line(std::string& text, std::initializer_list<std::string_view> fields) {
    std::string_view between;
    for (const std::string_view field : fields) {
        text.append(between).append(field);
        between = "\t";
    }
    text += '\n';
}

void add_task(std::string& text, const TaskSnapshot& task) {
    add_line(text, {"task", std::to_string(task.id), escaped(task.name),
                    task.cancelling ? "cancelling" : "pending"});
    for (const CallSnapshot& call : task.calls) {
        add_line(text,
                 {"call", escaped(call.function), escaped(call.file), std::to_string(call.line)});
    }
    for (const std::uint64_t id : task.awaited_by) {
        add_line(text, {"awaited_by", std::to_string(id)});
    }
}

// ---- reading ------------------------------------------------------------------------------------

using Fields = std::vector<std::string>;

[[noreturn]] void refuse(std::string_view line) {
    throw ValueError("not a snapshot: '" + std::string(line.substr(0, 200)) + "'");
}

Fields fields_of(std::string_view line) {
    Fields fields(1);
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '\t') {
            fields.emplace_back();
        } else if (line[i] != '\\') {
            fields.back() += line[i];
        } else if (++i < line.size()) {
            fields.back() += line[i] == 't' ? '\t' : line[i] == 'n' ? '\n' : line[i];
        }
    }
    return fields;
}

template <class T>
T number_of(const std::string& field, std::string_view line) {
    T number{};
    const char* const end = field.data() + field.size();
    const auto result = std::from_chars(field.data(), end, number);
    if (result.ec != std::errc() || result.ptr != end) refuse(line);
    return number;
}

/// Takes in a line after the other.
class Reader {
public:
    void take(std::string_view line) {
        if (ended_) refuse(line);
        if (line == ending) {
            ended_ = true;
            return;
        }
        const Fields fields = fields_of(line);
        const std::string& what = fields.front();
        if (what == "loop" && fields.size() == 4) {
            add_loop(fields, line);
        } else if (what == "task" && fields.size() == 4 && !loops_.empty()) {
            add_task(fields, line);
        } else if (what == "call" && fields.size() == 4 && has_task()) {
            task().calls.push_back({fields[1], fields[2], number_of<unsigned>(fields[3], line)});
        } else if (what == "awaited_by" && fields.size() == 2 && has_task()) {
            task().awaited_by.push_back(number_of<std::uint64_t>(fields[1], line));
        } else {
            refuse(line);
        }
    }
    std::vector<LoopSnapshot> loops() && {
        if (!ended_) throw ValueError("not a whole snapshot: it has no end");
        return std::move(loops_);
    }

private:
    void add_loop(const Fields& fields, std::string_view line) {
        LoopSnapshot loop;
        loop.number = number_of<unsigned>(fields[1], line);
        loop.answered = fields[2] == "1";
        loop.thread = number_of<long>(fields[3], line);
        loops_.push_back(std::move(loop));
    }
    void add_task(const Fields& fields, std::string_view line) {
        TaskSnapshot added;
        added.id = number_of<std::uint64_t>(fields[1], line);
        added.name = fields[2];
        added.cancelling = fields[3] == "cancelling";
        loops_.back().tasks.push_back(std::move(added));
    }
    bool has_task() const { return !loops_.empty() && !loops_.back().tasks.empty(); }
    TaskSnapshot& task() { return loops_.back().tasks.back(); }

    std::vector<LoopSnapshot> loops_;
    bool ended_ = false;
};

} // namespace

std::string snapshot_text(const std::vector<LoopSnapshot>& loops) {
    std::string text;
    add_line(text, {heading});
    for (const LoopSnapshot& loop : loops) {
        add_line(text, {"loop", std::to_string(loop.number), loop.answered ? "1" : "0",
                        std::to_string(loop.thread)});
        for (const TaskSnapshot& task : loop.tasks) add_task(text, task);
    }
    add_line(text, {ending});
    return text;
}

std::vector<LoopSnapshot> parse_snapshot(std::string_view text) {
    Reader reader;
    bool first = true;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        if (end == text.npos) refuse(text);
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (!first) {
            reader.take(line);
        } else if (line != heading) {
            refuse(line);
        }
        first = false;
    }
    return std::move(reader).loops();
}

} // namespace asyncio
