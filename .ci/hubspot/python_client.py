"""HubSpot's library for Python, hubspot-api-client, used as its documentation says. It speaks v3 and v4; the versions with
dates it knows by `api_request` only, where nothing is typed."""

import os

import hubspot
import receiver
from hubspot.crm import associations, companies, contacts, deals, objects, owners, pipelines, properties
from hubspot.crm.associations import v4

URL = os.environ["HUBSPOT_URL"]
client = hubspot.Client.create(access_token=os.environ["HUBSPOT_TOKEN"])


def here(api):
    """Where the portal is: the library has no argument for that."""
    api.api_client.configuration.host = URL
    return api


def typed(number):
    return [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}]


receiver.start()
people = here(client.crm.contacts.basic_api)
values = {"email": "petra.v3@example.org", "firstname": "Petra", "lastname": "Python", "lifecyclestage": "lead"}
contact = people.create(
    simple_public_object_input_for_create=contacts.SimplePublicObjectInputForCreate(properties=values, associations=[])
)
assert contact.properties["email"] == "petra.v3@example.org" and not contact.archived
assert people.get_by_id(contact.id, properties=["lifecyclestage"]).properties["lifecyclestage"] == "lead"
changed = people.update(contact.id, contacts.SimplePublicObjectInput(properties={"firstname": "Eve"}))
assert changed.properties["firstname"] == "Eve"
try:
    people.create(contacts.SimplePublicObjectInputForCreate(properties=values, associations=[]))
    raise SystemExit("an address was taken twice")
except contacts.ApiException as error:
    assert error.status == 409 and "Existing ID: " + contact.id in error.body

firms = here(client.crm.companies.basic_api)
company = firms.create(
    companies.SimplePublicObjectInputForCreate(properties={"name": "Python and Sons"}, associations=[])
)
here(client.crm.associations.v4.basic_api).create(
    "contacts", contact.id, "companies", company.id, [v4.AssociationSpec("HUBSPOT_DEFINED", 1)]
)
both = people.get_by_id(contact.id, associations=["companies"]).associations["companies"].results
assert any(each.id == company.id and each.type == "contact_to_company" for each in both)

batch = here(client.crm.deals.batch_api)
inputs = [
    deals.SimplePublicObjectBatchInputForCreate(properties={"dealname": name, "dealstage": "contractsent"}, associations=[])
    for name in "ab"
]
made = batch.create(deals.BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs)).results
updates = [deals.SimplePublicObjectBatchInput(id=deal.id, properties={"amount": "10"}) for deal in made]
batch.update(deals.BatchInputSimplePublicObjectBatchInput(inputs=updates))
wanted = deals.BatchReadInputSimplePublicObjectId(
    inputs=[deals.SimplePublicObjectId(id=deal.id) for deal in made], properties=["amount"], properties_with_history=[]
)
assert [deal.properties["amount"] for deal in batch.read(wanted).results] == ["10", "10"]
batch.archive(deals.BatchInputSimplePublicObjectId(inputs=wanted.inputs))

groups = here(client.crm.properties.groups_api)
groups.create("contacts", properties.PropertyGroupCreate(name="python_group", label="Python", display_order=-1))
core = here(client.crm.properties.core_api)
new = properties.PropertyCreate(
    group_name="python_group", name="python_id", label="Python ID", type="string", field_type="text", has_unique_value=True
)
assert core.create("contacts", new).has_unique_value
assert any(each.name == "python_id" for each in core.get_all("contacts").results)
stages = here(client.crm.pipelines.pipelines_api).get_all("deals").results[0].stages
assert any(stage.id == "contractsent" for stage in stages)
assert any(owner.email == "olga@example.org" for owner in here(client.crm.owners.owners_api).get_page().results)

search = here(client.crm.contacts.search_api)
one = contacts.Filter(property_name="email", operator="EQ", value="petra.v3@example.org")
asked = contacts.PublicObjectSearchRequest(
    filter_groups=[contacts.FilterGroup(filters=[one])], sorts=["hs_object_id"], properties=["firstname"], limit=10, after="0"
)
found = receiver.until("Petra in the index", lambda: search.do_search(asked).results)
assert [each.id for each in found] == [contact.id]
receiver.created(contact.id)
print("hubspot-api-client: v3 and v4 typed, webhooks by its Signature")
