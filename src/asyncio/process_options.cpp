// SPDX-License-Identifier: MIT
// What may be asked for, and who is meant by a name.
#include "asyncio/process_options.h"

#include "asyncio/exceptions.h"
#include "os/process.h"

#include <limits>

namespace asyncio {

namespace subprocess {

std::map<std::string, std::string> environment() {
    std::map<std::string, std::string> variables;
    for (auto& [name, value] : os::environment()) variables.emplace(name, value);
    return variables;
}

} // namespace subprocess

namespace {

void check_text(const std::string& text) {
    if (text.find('\0') != std::string::npos) throw ValueError("embedded null byte");
}

void check_texts(const os::SpawnRequest& request) {
    if (request.arguments.empty()) throw ValueError("a process needs a program");
    for (const std::string& argument : request.arguments) check_text(argument);
    check_text(request.executable);
    check_text(request.cwd);
    if (!request.env) return;
    for (const auto& [name, value] : *request.env) {
        check_text(name);
        check_text(value);
        if (name.find('=') != std::string::npos) {
            throw ValueError("illegal environment variable name");
        }
    }
}

/// The number of an account.
/// find      looks a name up
template <class Find>
auto number_of(const Account& account, const char* what, Find find) {
    using Id = typename decltype(find(account.name()))::value_type;
    if (const std::optional<std::int64_t> id = account.id()) {
        if (*id < 0) throw ValueError(std::string(what) + " ID cannot be negative");
        if (*id > std::numeric_limits<Id>::max()) {
            throw ValueError(std::string(what) + " ID is too large");
        }
        return static_cast<Id>(*id);
    }
    check_text(account.name());
    const auto id = find(account.name());
    if (!id) throw KeyError(std::string(what) + " not found: '" + account.name() + "'");
    return *id;
}

} // namespace

os::SpawnRequest ProcessOptions::request(std::vector<std::string> arguments) const {
    os::SpawnRequest request = request_;
    request.arguments = std::move(arguments);
    check_texts(request);
    if (request.process_group && *request.process_group < 0) {
        throw ValueError("process_group must be >= 0");
    }
    for (const int fd : request.pass_fds) {
        if (fd < 0) throw ValueError("bad value(s) in fds_to_keep");
    }
    if (user_) request.user = number_of(*user_, "User", &os::user_id);
    if (group_) request.group = number_of(*group_, "Group", &os::group_id);
    if (!extra_groups_) return request;
    request.extra_groups.emplace();
    for (const Account& group : *extra_groups_) {
        request.extra_groups->push_back(number_of(group, "Group", &os::group_id));
    }
    return request;
}

} // namespace asyncio
