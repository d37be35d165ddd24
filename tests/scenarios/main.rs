//! Whole stories, one file per claim; and what the layout, the walls and the template must hold.

mod architecture;
mod names;
mod template;
