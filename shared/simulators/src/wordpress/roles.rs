//! Roles and what they may, as WordPress installs them.

/// What every administrator may, in WordPress's order.
const ADMINISTRATOR: &[&str] = &[
    "switch_themes",
    "edit_themes",
    "activate_plugins",
    "edit_plugins",
    "edit_users",
    "edit_files",
    "manage_options",
    "moderate_comments",
    "manage_categories",
    "manage_links",
    "upload_files",
    "import",
    "unfiltered_html",
    "edit_posts",
    "edit_others_posts",
    "edit_published_posts",
    "publish_posts",
    "edit_pages",
    "read",
    "level_10",
    "level_9",
    "level_8",
    "level_7",
    "level_6",
    "level_5",
    "level_4",
    "level_3",
    "level_2",
    "level_1",
    "level_0",
    "edit_others_pages",
    "edit_published_pages",
    "publish_pages",
    "delete_pages",
    "delete_others_pages",
    "delete_published_pages",
    "delete_posts",
    "delete_others_posts",
    "delete_published_posts",
    "delete_private_posts",
    "edit_private_posts",
    "read_private_posts",
    "delete_private_pages",
    "edit_private_pages",
    "read_private_pages",
    "delete_users",
    "create_users",
    "unfiltered_upload",
    "edit_dashboard",
    "update_plugins",
    "delete_plugins",
    "install_plugins",
    "update_themes",
    "install_themes",
    "update_core",
    "list_users",
    "remove_users",
    "promote_users",
    "edit_theme_options",
    "delete_themes",
    "export",
];

/// What an editor may.
const EDITOR: &[&str] = &[
    "moderate_comments",
    "manage_categories",
    "manage_links",
    "upload_files",
    "unfiltered_html",
    "edit_posts",
    "edit_others_posts",
    "edit_published_posts",
    "publish_posts",
    "edit_pages",
    "read",
    "level_7",
    "level_6",
    "level_5",
    "level_4",
    "level_3",
    "level_2",
    "level_1",
    "level_0",
    "edit_others_pages",
    "edit_published_pages",
    "publish_pages",
    "delete_pages",
    "delete_others_pages",
    "delete_published_pages",
    "delete_posts",
    "delete_others_posts",
    "delete_published_posts",
    "delete_private_posts",
    "edit_private_posts",
    "read_private_posts",
    "delete_private_pages",
    "edit_private_pages",
    "read_private_pages",
];

/// What an author may.
const AUTHOR: &[&str] = &[
    "upload_files",
    "edit_posts",
    "edit_published_posts",
    "publish_posts",
    "read",
    "level_2",
    "level_1",
    "level_0",
    "delete_posts",
    "delete_published_posts",
];

/// What a contributor may.
const CONTRIBUTOR: &[&str] = &["edit_posts", "read", "level_1", "level_0", "delete_posts"];

/// What a subscriber may; shops give their customers no more than this.
const SUBSCRIBER: &[&str] = &["read", "level_0"];

/// What the bridge's user may, and what the must-use plugin gives its role.
const CRM_SYNC: &[&str] = &["read", "list_users", "create_users", "edit_users", "promote_users"];

/// What a role may; `None` where nothing is called so. `customer` is a shop's, and there only where it was added.
pub(crate) fn capabilities(role: &str) -> Option<&'static [&'static str]> {
    Some(match role {
        "administrator" => ADMINISTRATOR,
        "editor" => EDITOR,
        "author" => AUTHOR,
        "contributor" => CONTRIBUTOR,
        "subscriber" => SUBSCRIBER,
        "customer" => &["read"],
        "crm_sync" => CRM_SYNC,
        _ => return None,
    })
}

/// The roles of a new site, and the one that the bridge's user has in the recordings.
pub(crate) const STOCK: [&str; 6] =
    ["administrator", "editor", "author", "contributor", "subscriber", "crm_sync"];

/// Whether any of these roles may do something.
pub(crate) fn may(roles: &[String], capability: &str) -> bool {
    roles.iter().filter_map(|role| capabilities(role)).any(|all| all.contains(&capability))
}
