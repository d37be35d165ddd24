//! The must-use plugin, which ships with the bundle: one file that an administrator copies into a site.

/// The plugin, as PHP.
pub const PLUGIN: &str = include_str!("../plugin/corebos-bridge.php");

/// Where it belongs in a site.
pub const PLACE: &str = "wp-content/mu-plugins/corebos-bridge.php";
