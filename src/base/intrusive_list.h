// SPDX-License-Identifier: MIT
// Intrusive list: nodes bring their own links, so joining and leaving a line allocates nothing.
#pragma once

namespace asyncio::base {

/// The links of one node. A node stands in at most one list at a time.
struct ListNode {
    ListNode* prev; // of a node in a list
    ListNode* next = nullptr; // null: in no list

    ListNode() noexcept {} // NOLINT(cppcoreguidelines-pro-type-member-init): one store less
    ListNode(ListNode* before, ListNode* behind) noexcept : prev(before), next(behind) {}

    bool linked() const noexcept { return next != nullptr; } // does it stand in a list?
};

/// Stores both links, each on its own: the compiler would join the two into one store of 16 bytes
/// by way of a vector register, and a load of either would have to wait for that.
inline void set_links(ListNode& node, ListNode* prev, ListNode* next) noexcept {
    node.prev = prev;
    asm("" : "+m"(node.prev));
    node.next = next;
}

/// Puts `node` into the ring of `place`, before it. A ring's head is its own neighbour while it is
/// alone: `ListNode ring{&ring, &ring}`; before the head is the end.
inline void link_before(ListNode& place, ListNode& node) noexcept {
    ListNode* before = place.prev;
    set_links(node, before, &place);
    before->next = &node;
    place.prev = &node;
}

/// Joins its neighbours. The node's own links stay as they are.
inline void unlink(ListNode& node) noexcept {
    node.prev->next = node.next;
    node.next->prev = node.prev;
}

/// A line of `Node`s, first come first served. Eight bytes: the first node, or null.
///
/// Lifetime  a node must leave before it is destroyed; the list owns nothing.
/// Cost      every operation is O(1).
template <class Node>
class IntrusiveList {
public:
    bool empty() const noexcept { return first_ == nullptr; }
    Node* front() const noexcept { return first_; }

    /// The node behind `node`, or null at the end of the line.
    Node* after(const Node* node) const noexcept {
        Node* next = node_of(node->next);
        return next == first_ ? nullptr : next;
    }

    /// Joins the end of the line. It stands in none.
    void push_back(Node* node) noexcept {
        if (first_ == nullptr) {
            set_links(*node, node, node);
            first_ = node;
        } else {
            link_before(*first_, *node);
        }
    }

    /// Joins before the first.
    void push_front(Node* node) noexcept {
        push_back(node);
        first_ = node;
    }

    /// Takes out a node that stands in this line, wherever it is.
    void remove(Node* node) noexcept {
        if (node->next == node) {
            first_ = nullptr;
        } else {
            unlink(*node);
            if (first_ == node) first_ = node_of(node->next);
        }
        node->next = nullptr;
    }

    /// Takes the first node out; null if there is none.
    Node* pop_front() noexcept {
        Node* node = first_;
        if (node != nullptr) remove(node);
        return node;
    }

    /// Hands over the whole line; this list is empty afterwards.
    IntrusiveList take() noexcept {
        IntrusiveList all;
        all.first_ = first_;
        first_ = nullptr;
        return all;
    }

private:
    // By reference: a link of a linked node is never null, and need not be tested for it.
    static Node* node_of(ListNode* link) noexcept { return &static_cast<Node&>(*link); }

    Node* first_ = nullptr;
};

} // namespace asyncio::base
