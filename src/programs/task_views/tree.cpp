// SPDX-License-Identifier: MIT
// From who waits for whom to lines with branches.
#include "programs/task_views/tree.h"

#include "asyncio/exceptions.h"
#include "programs/task_views/names.h"

#include <algorithm>
#include <map>

namespace task_views {

using namespace asyncio;

namespace {

/// The tasks of one loop.
class Forest {
public:
    explicit Forest(const LoopSnapshot& loop) {
        for (const TaskSnapshot& task : loop.tasks) tasks_.emplace(task.id, &task);
        for (const TaskSnapshot& task : loop.tasks) {
            bool awaited = false;
            for (const std::uint64_t id : task.awaited_by) {
                if (tasks_.count(id) == 0) continue;
                children_[id].push_back(&task);
                awaited = true;
            }
            if (!awaited) roots_.push_back(&task);
        }
        for (const TaskSnapshot& task : loop.tasks) look_for_circle(task);
    }

    void write(std::string& text) const {
        for (const TaskSnapshot* root : roots_) {
            write_task(text, *root, "", root == roots_.back());
        }
    }

private:
    using Tasks = std::vector<const TaskSnapshot*>;

    const Tasks& children_of(const TaskSnapshot& task) const {
        static const Tasks none;
        const auto found = children_.find(task.id);
        return found != children_.end() ? found->second : none;
    }

    // Every task is looked at once: `whole_` are those below which there is no circle.
    void look_for_circle(const TaskSnapshot& task) {
        if (whole_.count(task.id) != 0) return;
        const auto at = std::find(way_.begin(), way_.end(), &task);
        if (at != way_.end()) throw ValueError(circle_text(at));
        way_.push_back(&task);
        for (const TaskSnapshot* child : children_of(task)) look_for_circle(*child);
        way_.pop_back();
        whole_.emplace(task.id, &task);
    }
    std::string circle_text(Tasks::const_iterator from) const {
        std::string text = "the tasks wait in a circle, which is no tree:\n";
        for (auto task = from; task != way_.end(); ++task) text += whole_name(**task) + " → ";
        return text + whole_name(**from);
    }

    static std::string whole_name(const TaskSnapshot& task) {
        return name_text(task) + " (" + id_text(task.id) + ")";
    }

    static void write_line(std::string& text, const std::string& indent, bool last,
                           const std::string& what) {
        text += indent + (last ? "└── " : "├── ") + what + '\n';
    }
    static std::string below(const std::string& indent, bool last) {
        return indent + (last ? "    " : "│   ");
    }

    // The calls hang one below the other, the outermost first; the tasks below the innermost.
    void write_task(std::string& text, const TaskSnapshot& task, std::string indent,
                    bool last) const {
        write_line(text, indent, last, "(T) " + name_text(task));
        indent = below(indent, last);
        for (auto call = task.calls.rbegin(); call != task.calls.rend(); ++call) {
            write_line(text, indent, true,
                       " " + call->function + ' ' + call->file + ':' + std::to_string(call->line));
            indent = below(indent, true);
        }
        const Tasks& children = children_of(task);
        for (const TaskSnapshot* child : children) {
            write_task(text, *child, indent, child == children.back());
        }
    }

    std::map<std::uint64_t, const TaskSnapshot*> tasks_;
    std::map<std::uint64_t, Tasks> children_; // who waits for them
    std::map<std::uint64_t, const TaskSnapshot*> whole_;
    Tasks roots_;
    Tasks way_;
};

} // namespace

std::string tree_text(const std::vector<LoopSnapshot>& loops) {
    std::string text;
    std::string silent;
    for (const LoopSnapshot& loop : loops) {
        if (!loop.answered) silent += "loop " + std::to_string(loop.number) + " does not answer\n";
        Forest(loop).write(text);
    }
    return text + silent;
}

} // namespace task_views
