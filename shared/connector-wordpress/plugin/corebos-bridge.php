<?php
/**
 * Plugin Name: coreBOS bridge
 * Description: Lets the coreBOS bridge keep Mautic's tags with the users of this site, and keeps it away from everybody who works here.
 *
 * Copy this file into wp-content/mu-plugins (make the folder if it is not there). It needs no settings. Keys of user meta
 * that the field map MauticToUsers writes, besides mautic_contact_id and mautic_tags, are listed in wp-config.php:
 *     define( 'COREBOS_BRIDGE_META', array( 'billing_phone', 'billing_city' ) );
 *
 * The bridge's own user gets the role crm_sync, which this file makes, and no other.
 */

defined( 'ABSPATH' ) || exit;

/** What nobody may do who is a mere visitor, customer or member: whoever may is out of the bridge's reach. */
const COREBOS_BRIDGE_STAFF = array(
	'edit_posts', 'manage_options', 'create_users', 'delete_users', 'edit_users', 'list_users', 'promote_users',
	'remove_users', 'activate_plugins', 'manage_woocommerce', 'manage_network',
);

/** Whether a user is the bridge's. */
function corebos_bridge_is_bridge( $user ) {
	return $user instanceof WP_User && in_array( 'crm_sync', (array) $user->roles, true );
}

/** The role of the bridge's user, and the keys that the REST API may read and write. */
add_action( 'init', function () {
	if ( null === get_role( 'crm_sync' ) ) {
		$may = array( 'read', 'list_users', 'create_users', 'edit_users', 'promote_users' );
		add_role( 'crm_sync', 'CRM synchronisation', array_fill_keys( $may, true ) );
	}
	$guarded = function () {
		return current_user_can( 'edit_users' );
	};
	$text = array( 'type' => 'string', 'single' => true, 'show_in_rest' => true, 'auth_callback' => $guarded );
	$more = defined( 'COREBOS_BRIDGE_META' ) ? (array) COREBOS_BRIDGE_META : array();
	foreach ( array_merge( array( 'mautic_contact_id' ), $more ) as $key ) {
		// Roles and capabilities are user meta, too.
		if ( is_string( $key ) && ! preg_match( '/(capabilities|user_level|session_tokens|application_passwords)$/', $key ) ) {
			register_meta( 'user', $key, $text );
		}
	}
	$texts = array( 'schema' => array( 'type' => 'array', 'items' => array( 'type' => 'string' ) ) );
	register_meta( 'user', 'mautic_tags', array( 'type' => 'array', 'show_in_rest' => $texts ) + $text );
} );

/** GET /wp/v2/users?mautic_contact_id=77 finds the user of a contact. */
add_filter( 'rest_user_query', function ( $query, $request ) {
	$contact = $request->get_param( 'mautic_contact_id' );
	if ( is_scalar( $contact ) && '' !== (string) $contact && current_user_can( 'list_users' ) ) {
		$query['meta_key']   = 'mautic_contact_id';
		$query['meta_value'] = (string) $contact;
	}
	return $query;
}, 10, 2 );

/** A new user is mailed WordPress's own link to set a password, where the bridge asks for that. */
add_action( 'rest_after_insert_user', function ( $user, $request, $creating ) {
	if ( $creating && rest_sanitize_boolean( $request->get_param( 'mautic_send_notification' ) ?? false ) ) {
		wp_new_user_notification( $user->ID, null, 'user' );
	}
}, 10, 3 );

/** The bridge gives no role whose members work on the site. */
add_filter( 'editable_roles', function ( $roles ) {
	if ( ! corebos_bridge_is_bridge( wp_get_current_user() ) ) {
		return $roles;
	}
	return array_filter( $roles, function ( $role ) {
		return ! array_intersect( COREBOS_BRIDGE_STAFF, array_keys( array_filter( $role['capabilities'] ) ) );
	} );
} );

/** The bridge edits nobody who works on the site, itself included, and deletes nobody at all. */
add_filter( 'map_meta_cap', function ( $needed, $capability, $user_id, $about ) {
	if ( ! in_array( $capability, array( 'edit_user', 'promote_user', 'remove_user', 'delete_user' ), true ) ) {
		return $needed;
	}
	if ( ! corebos_bridge_is_bridge( get_userdata( $user_id ) ) ) {
		return $needed;
	}
	if ( in_array( $capability, array( 'remove_user', 'delete_user' ), true ) ) {
		return array( 'do_not_allow' );
	}
	foreach ( COREBOS_BRIDGE_STAFF as $staff ) {
		if ( isset( $about[0] ) && user_can( (int) $about[0], $staff ) ) {
			return array( 'do_not_allow' );
		}
	}
	return $needed;
}, 10, 4 );
